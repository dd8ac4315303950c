import { timingSafeEqual } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** Limits for a local client, which may be any program of this user. */
const limits = { connections: 16, headerBytes: 4_096, headersMs: 2_000, requestMs: 5_000, bodyBytes: 65_536 } as const

/** Address of a program for commands of this user. */
export interface LocalAddress {
  /** Unix socket, or named pipe. */
  readonly socket: string
  /** Secret of requests. */
  readonly token: string
}

/** Answers to requests, by method and path such as `'GET /'`. An answer is sent as JSON. */
export type LocalAnswers = Readonly<Record<string, (request: IncomingMessage) => unknown>>

/**
 * Serves HTTP on a Unix socket or a named pipe until the returned function is called. Does not keep the process alive.
 *
 * @throws A system error if the path cannot be used.
 */
export async function serveLocally({ socket, token }: LocalAddress, answers: LocalAnswers): Promise<() => void> {
  const server = createServer(
    { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
    (request, response) => void answer(request, response, token, answers)
  )
  server.maxConnections = limits.connections
  await listening(server, socket)
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  try {
    if (process.platform !== 'win32') await chmod(socket, 0o600)
  } catch (error) {
    close()
    throw error
  }
  return close
}

/**
 * Reads the JSON of a request.
 *
 * @throws {Error} if it is too long.
 * @throws {SyntaxError} if it is not JSON.
 */
export async function jsonOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > limits.bodyBytes) throw new Error('the request is too long')
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}

async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  // `status` must not keep the process alive.
  server.unref()
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  answers: LocalAnswers
): Promise<void> {
  const path = `${request.method} ${request.url}`
  const found = Object.hasOwn(answers, path) ? answers[path] : undefined
  if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`)) response.writeHead(401).end()
  else if (found === undefined) response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(await found(request)))
  request.resume()
}

/** Compares secrets in constant time. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
