import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isSame } from './local-server.js'
import style from './page/page.css'
import page from './page/page.html'
import script from './page/page.js'

/** Limits for clients of the page. */
const limits = { connections: 64, headerBytes: 8_192, headersMs: 5_000, requestMs: 10_000 } as const
/** Minimum interval between queries of programs, for any number of pages. */
const freshMs = 500

/** Headers of all responses. The page loads only its own resources. */
const common = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff'
}

const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
  '/': ['text/html; charset=utf-8', page],
  '/page.css': ['text/css; charset=utf-8', style],
  '/page.js': ['text/javascript; charset=utf-8', script]
}

/** A local page that shows the data of `feed`. */
export class StatusPage {
  readonly #server: Server
  readonly #token = randomBytes(24).toString('hex')
  readonly #feed: () => Promise<unknown>
  #port = 0
  #answer: { readonly time: number; readonly json: Promise<string> } | undefined

  private constructor(feed: () => Promise<unknown>) {
    this.#feed = feed
    this.#server = createServer(
      { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
      (request, response) => void this.#handle(request, response)
    )
    this.#server.maxConnections = limits.connections
  }

  /** Listens on 127.0.0.1. Port 0 selects a free one. */
  static async listen(port: number, feed: () => Promise<unknown>): Promise<StatusPage> {
    const page = new StatusPage(feed)
    const server = page.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    const address = server.address()
    page.#port = typeof address === 'object' && address !== null ? address.port : port
    return page
  }

  /**
   * Address of the page with its secret, in the fragment, which browsers do not send. A cookie would be sent to every port of 127.0.0.1,
   * including bridged sites of peers.
   */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/#${this.#token}`
  }

  /** Closes the server. */
  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume()
    const send = (status: number, body: string, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { ...common, 'content-type': 'text/plain; charset=utf-8', ...headers }).end(body)
    const { method, url: path = '', headers } = request
    const { host, origin } = headers
    // Prevents DNS rebinding.
    if (host !== `127.0.0.1:${this.#port}` && host !== `localhost:${this.#port}`) {
      return void send(421, 'wrong Host\n')
    }
    if (origin !== undefined && origin !== `http://${host}`) return void send(403, 'wrong Origin\n')
    if (method !== 'GET' && method !== 'HEAD') return void send(405, 'only GET\n', { allow: 'GET, HEAD' })
    if (path === '/status.json') {
      if (!isSame(headers.authorization ?? '', `Bearer ${this.#token}`)) {
        return void send(401, 'no token, or a wrong one\n', { 'www-authenticate': 'Bearer' })
      }
      try {
        return void send(200, await this.#json(), { 'content-type': 'application/json' })
      } catch {
        return void send(500, 'cannot query the programs\n')
      }
    }
    // Static content, which needs no token.
    const [type, text] = Object.hasOwn(files, path) ? (files[path] ?? []) : []
    if (type === undefined || text === undefined) return void send(404, 'not found\n')
    send(200, text, { 'content-type': type })
  }

  async #json(): Promise<string> {
    const time = performance.now()
    if (this.#answer === undefined || time - this.#answer.time > freshMs) {
      this.#answer = { time, json: this.#feed().then(found => JSON.stringify(found)) }
    }
    return await this.#answer.json
  }
}
