import { codeOf } from '../util/validate.js'

const chunkSize = 64 * 1024

/**
 * A stream's receiving half as a web stream. Filled through the reader's own buffer: no piece of a shared one is transferred.
 *
 * `read` fills the buffer in its turn, for an error here would be the web stream's for good; `stop` is told the code of a cancel.
 * `ended` is called when the web stream is over.
 */
export function readableOf(
  read: (into: Uint8Array) => Promise<number | null>,
  stop: (code: number | bigint) => void,
  ended: () => void
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream(
    {
      type: 'bytes',
      autoAllocateChunkSize: chunkSize,
      async pull(controller) {
        // With this size set there is a request whenever somebody reads, and with no high-water mark only then.
        const request = controller.byobRequest as ReadableStreamBYOBRequest
        let count: number | null = null
        try {
          count = await read(request.view as Uint8Array)
        } finally {
          // Without bytes it is the end, or a failure.
          if (count === null) ended()
        }
        if (count === null) controller.close()
        request.respond(count ?? 0)
      },
      cancel(reason) {
        stop(codeOf(reason))
        ended()
      }
    },
    { highWaterMark: 0 }
  ) as ReadableStream<Uint8Array<ArrayBuffer>>
}

/** What a web stream needs of the stream it writes to. */
interface Sink {
  write(chunk: Uint8Array | string): Promise<void>
  finish(): Promise<void>
  reset(code?: number | bigint): void
}

/** A stream's sending half as a web stream; `ended` is called when that is over. */
export function writableOf(stream: Sink, ended: () => void): WritableStream<Uint8Array | string> {
  return new WritableStream({
    start(controller) {
      // At once, and not when the write that waits is done: it may wait for ever.
      const { signal } = controller as WithSignal
      const abort = () => {
        stream.reset(codeOf(signal.reason))
        ended()
      }
      signal.addEventListener('abort', abort, { once: true })
    },
    async write(chunk) {
      try {
        await stream.write(chunk)
      } catch (error) {
        // From now on nobody can write, end or abort this: the peer must not wait for more of it.
        stream.reset()
        ended()
        throw error
      }
    },
    close: () => stream.finish().finally(ended)
  })
}

// In the standard and in Node since 18, but not in the types of Node 20.
type WithSignal = WritableStreamDefaultController & { readonly signal: AbortSignal }
