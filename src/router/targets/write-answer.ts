import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Field } from '../../http/head.js'
import type { Cancellation } from '../../http/received-request.js'
import { sourceOf } from '../../http/response-source.js'
import { isBytes } from '../../util/bytes.js'
import type { RoutedExchange } from '../exchange.js'
import { endToEnd, rawOf } from '../head.js'

const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Writes the response of a handler with back-pressure. Rejects with the error that truncated its body; reset the connection then. A
 * disconnected client cancels the body.
 */
export async function writeAnswer(
  answer: Response,
  { request, response }: RoutedExchange,
  cancellation: Cancellation
): Promise<void> {
  const { status, statusText, headers, body } = answer
  const given = headers.get('content-length')
  const fields = endToEnd(rawOf(headers as Iterable<Field>), false)
  const writeHead = (more: readonly Field[] = []) => {
    const kept = fields.filter(([name]) => more.every(each => each[0] !== name))
    response.writeHead(status, statusText || STATUS_CODES[status], rawOf([...kept, ...more]))
  }
  if (request.method === 'HEAD' || withoutBody.has(status) || body === null) {
    const isEmpty = body === null && request.method !== 'HEAD' && !withoutBody.has(status)
    writeHead(isEmpty ? [['content-length', '0']] : [])
    response.end()
    await body?.cancel()
    return
  }
  const source = sourceOf(answer)
  if (source !== undefined) {
    if (given !== null && Number(given) !== source.length) throw wrongLength()
    writeHead([['content-length', String(source.length)]])
    response.end(source)
    return
  }
  writeHead()
  await writeBody(body.getReader(), response, given === null ? undefined : Number(given), cancellation)
}

async function writeBody(
  reader: ReadableStreamDefaultReader<unknown>,
  response: ServerResponse,
  length: number | undefined,
  cancellation: Cancellation
): Promise<void> {
  let written = 0
  const cancel = () => {
    reader.cancel(new Error('the client has left')).catch(() => {})
  }
  const { signal } = cancellation
  if (signal.aborted) return cancel()
  signal.addEventListener('abort', cancel)
  // Send the head with the first bytes, unless they come later.
  const late = setImmediate(() => response.flushHeaders())
  try {
    for (;;) {
      const { done, value } = await reader.read()
      clearImmediate(late)
      if (cancellation.isAborted) return
      if (done) break
      if (!isBytes(value)) throw new TypeError('the body of an answer must consist of Uint8Array')
      written += value.length
      if (length !== undefined && written > length) throw wrongLength()
      if (!response.write(value) && !(await drained(response))) return
    }
    if (length !== undefined && written !== length) throw wrongLength()
    response.end()
  } catch (error) {
    reader.cancel(error).catch(() => {})
    throw error
  } finally {
    clearImmediate(late)
    signal.removeEventListener('abort', cancel)
  }
}

/** Waits until more can be written. Resolves with false if the client has disconnected. */
async function drained(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return false
  return await new Promise<boolean>(resolve => {
    const done = (isOpen: boolean) => () => {
      response.off('drain', drain)
      response.off('close', close)
      resolve(isOpen)
    }
    const drain = done(true)
    const close = done(false)
    response.once('drain', drain)
    response.once('close', close)
  })
}

function wrongLength(): TypeError {
  return new TypeError('the length of the response differs from its Content-Length')
}
