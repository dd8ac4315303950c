import { BadMessage } from '../../http/head.js'
import type { RoutedExchange } from '../exchange.js'

/** The body of a request, as a handler reads it. */
export interface RequestBody {
  readonly stream: ReadableStream<Uint8Array>
  /** Why reading failed. */
  failure: unknown
}

/**
 * Makes the body of a request. A longer one than `maxBytes` fails. Reads no more than is asked for.
 *
 * @throws {BadMessage} If its length is known, and too long.
 */
export function requestBody({ request, response, expectsContinue }: RoutedExchange, maxBytes: number): RequestBody {
  const tooLong = () => new BadMessage(413, `the body is longer than ${maxBytes} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLong()
  let chunks: AsyncIterator<Uint8Array> | undefined
  let received = 0
  const body: RequestBody = {
    failure: undefined,
    stream: new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          if (chunks === undefined) {
            if (expectsContinue && !response.headersSent) response.writeContinue()
            // Reading has no say in how the connection ends: the answer comes on it.
            chunks = request.iterator({ destroyOnReturn: false })
          }
          try {
            const { done, value } = await chunks.next()
            if (done === true) return controller.close()
            received += value.length
            if (received > maxBytes) throw tooLong()
            controller.enqueue(value)
          } catch (error) {
            body.failure = error
            throw error
          }
        },
        async cancel() {
          await chunks?.return?.()
        }
      },
      { highWaterMark: 0 }
    )
  }
  return body
}
