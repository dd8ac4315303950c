import { BadMessage } from '../../http/head.js'
import type { RoutedExchange } from '../exchange.js'

/** The body of a request, for a handler. */
export interface RequestBody {
  readonly stream: ReadableStream<Uint8Array>
  /** Error of a failed read. */
  failure: unknown
}

/**
 * Creates the body of a request. Fails above `maxBytes`. Reads only on demand.
 *
 * @throws {BadMessage} If the declared length exceeds the limit.
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
            // Cancelling the body must not close the connection, which carries the response.
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
