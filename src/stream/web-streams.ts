import { codeOf } from '../util/application-code.js'
import type { CheckAdapter } from './stream-adapters.js'

const chunkSize = 64 * 1024

/** See `StreamState.addAdapter`. */
type AddAdapter = (check: CheckAdapter) => () => void

/** What a web stream needs of the stream that it reads. */
interface Source {
  /** Fills the buffer in its turn: an error here would be the web stream's for good. Resolves with `null` at EOF. */
  readIntoInTurn(into: Uint8Array): Promise<number | null>
  stop(code: number | bigint): void
  /** Throws the error that the next read would throw. */
  checkEnd(isLost: boolean): void
  /** Has a reset by the peer noticed while no call reads. */
  readAheadWhenIdle(): void
  /** Whether EOF was reached, and all before it read. */
  readonly atEnd: boolean
}

/** A stream's receiving half as a web stream. Filled through the reader's own buffer: no piece of a shared one is transferred. */
export function readableOf(source: Source, addAdapter: AddAdapter): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = () => {}
  return new ReadableStream(
    {
      type: 'bytes',
      autoAllocateChunkSize: chunkSize,
      start(controller) {
        ended = addAdapter(isLost => {
          try {
            source.checkEnd(isLost)
            // At EOF, the next read needs nothing of the stream. A read that is about to deliver the last bytes still does.
            if (isLost && source.atEnd) ended()
          } catch (error) {
            ended()
            controller.error(error)
          }
        })
        source.readAheadWhenIdle()
      },
      async pull(controller) {
        // With `autoAllocateChunkSize`, each read makes a request. With a high-water mark of 0, nothing else calls `pull`.
        const request = controller.byobRequest as ReadableStreamBYOBRequest
        let count: number | null = null
        try {
          count = await source.readIntoInTurn(request.view as Uint8Array)
        } finally {
          // Without bytes it is the end, or a failure.
          if (count === null) ended()
        }
        if (count === null) controller.close()
        request.respond(count ?? 0)
      },
      cancel(reason) {
        ended()
        source.stop(codeOf(reason))
      }
    },
    { highWaterMark: 0 }
  ) as ReadableStream<Uint8Array<ArrayBuffer>>
}

/** What a web stream needs of the stream that it writes to. */
interface Sink {
  write(chunk: Uint8Array | string): Promise<void>
  finish(): Promise<void>
  reset(code: number | bigint): void
  /** Throws the error that the next write would throw. */
  checkEnd(isLost: boolean): void
}

/** A stream's sending half as a web stream. */
export function writableOf(sink: Sink, addAdapter: AddAdapter): WritableStream<Uint8Array | string> {
  let ended = () => {}
  return new WritableStream({
    start(controller) {
      ended = addAdapter(isLost => {
        try {
          sink.checkEnd(isLost)
        } catch (error) {
          ended()
          controller.error(error)
        }
      })
      // Resets at once: a pending write may never settle.
      const { signal } = controller as WithSignal
      const abort = () => {
        ended()
        sink.reset(codeOf(signal.reason))
      }
      signal.addEventListener('abort', abort, { once: true })
    },
    async write(chunk) {
      try {
        await sink.write(chunk)
      } catch (error) {
        // A failed web stream accepts no write, close or abort. The reset tells the peer that no more follows.
        ended()
        sink.reset(0)
        throw error
      }
    },
    close: () => sink.finish().finally(ended)
  })
}

// In the standard and in Node since 18, but not in the types of Node 20.
type WithSignal = WritableStreamDefaultController & { readonly signal: AbortSignal }
