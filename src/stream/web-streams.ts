import { codeOf } from '../util/validate.js'
import type { CheckBorrower } from './borrowers.js'

const chunkSize = 64 * 1024

/** Lends a stream: see `StreamCore.lend`. */
type Lend = (check: CheckBorrower) => () => void

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
export function readableOf(source: Source, lend: Lend): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = () => {}
  return new ReadableStream(
    {
      type: 'bytes',
      autoAllocateChunkSize: chunkSize,
      start(controller) {
        ended = lend(isLost => {
          try {
            source.checkEnd(isLost)
            // The next read only says so: it needs the stream no more. Not for a read that ends the half: its bytes are on their way.
            if (isLost && source.atEnd) ended()
          } catch (error) {
            ended()
            controller.error(error)
          }
        })
        source.readAheadWhenIdle()
      },
      async pull(controller) {
        // With this size set there is a request whenever somebody reads, and with no high-water mark only then.
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
export function writableOf(sink: Sink, lend: Lend): WritableStream<Uint8Array | string> {
  let ended = () => {}
  return new WritableStream({
    start(controller) {
      ended = lend(isLost => {
        try {
          sink.checkEnd(isLost)
        } catch (error) {
          ended()
          controller.error(error)
        }
      })
      // At once, and not when the write that waits is done: it may wait for ever.
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
        // From now on nobody can write, end or abort this: the peer must not wait for more of it.
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
