import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { FastnNetError } from '../errors.js'
import type { RigPlan } from './config.js'

/** Limits for clients, which may be any local program. */
const limits = { connections: 64, headerBytes: 4_096, headersMs: 5_000, requestMs: 10_000 } as const

/** Content of the answers. */
export interface HealthSource {
  /** Values of the header `Host` besides those of this machine. */
  names(): readonly string[]
  health(): { readonly status: string } & object
  metrics(): string
}

/** Serves `/health` and `/metrics` over HTTP. */
export class HealthServer {
  readonly #plan: NonNullable<RigPlan['health']>
  readonly #source: HealthSource
  readonly #server: Server

  private constructor(plan: NonNullable<RigPlan['health']>, source: HealthSource) {
    this.#plan = plan
    this.#source = source
    this.#server = createServer(
      { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
      (request, response) => this.#answer(request, response)
    )
    this.#server.maxConnections = limits.connections
  }

  /** @throws {FastnNetError} `ERR_LISTEN`. */
  static async listen(plan: NonNullable<RigPlan['health']>, source: HealthSource): Promise<HealthServer> {
    const health = new HealthServer(plan, source)
    const server = health.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => {
        const message = `cannot serve [health] on ${plan.host}:${plan.port}: ${error.code}`
        reject(new FastnNetError('ERR_LISTEN', message, { phase: 'rig', cause: error }))
      })
      server.listen(plan.port, plan.host, resolve)
    })
    server.on('error', () => {})
    return health
  }

  /** Whether the server already listens there. */
  static isSame(server: HealthServer | undefined, plan: RigPlan['health']): boolean {
    if (server === undefined || plan === undefined) return server === plan
    return server.#plan.port === plan.port && server.#plan.host === plan.host
  }

  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
  }

  /** Stops accepting immediately. Answers in progress get a short time. */
  close(): void {
    this.#server.close()
    this.#server.closeIdleConnections()
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const source = this.#source
    request.resume()
    const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { ...headers, 'content-type': type })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
    const plain = 'text/plain; charset=utf-8'
    // Prevents DNS rebinding by web pages.
    if (!this.#isOwn(request.headers.host)) answer(421, plain, 'this is not the server of that name\n')
    else if (request.method !== 'GET' && request.method !== 'HEAD') answer(405, plain, 'only GET and HEAD\n')
    else if (request.url === '/metrics') answer(200, 'text/plain; version=0.0.4; charset=utf-8', source.metrics())
    else if (request.url === '/health') {
      const found = source.health()
      answer(found.status === 'ok' ? 200 : 503, 'application/json', `${JSON.stringify(found)}\n`)
    } else answer(404, plain, 'there are /health and /metrics\n')
  }

  #isOwn(host = ''): boolean {
    const name = host.replace(/:\d+$/, '')
    if (['localhost', '127.0.0.1', '[::1]'].includes(name)) return true
    // A site cannot use an address as its name.
    return this.#source.names().includes(name) || /^(?:\d+\.){3}\d+$|^\[[\da-f:]+\]$/i.test(name)
  }
}
