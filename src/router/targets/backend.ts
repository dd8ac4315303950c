import { Agent, type ClientRequest, request as sendPlain } from 'node:http'
import { request as sendTls, Agent as TlsAgent } from 'node:https'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { checkTarget } from '../../tunnel/options.js'
import { after } from '../../util/timeout.js'
import { invalid, optional, timeLimit } from '../../util/validate.js'
import type { RoutedExchange, RoutedRequest } from '../exchange.js'
import { Refusal } from '../refusal.js'
import type { BackendTarget } from '../target.js'
import { forward } from './forward.js'
import { forwardUpgrade } from './forward-upgrade.js'
import type { Target } from './target.js'
import { Late, type Upstream, type UpstreamRequest } from './upstream.js'

/** Idle timeout of a connection: below the 5 s of node:http, because a request that races with the close gets no response. */
const idle = 4_000

/** Sends requests to an HTTP server over pooled connections. */
export class Backend implements Target, Upstream {
  readonly text: string
  readonly host: string | undefined
  readonly responseTimeout: number
  readonly #connectTimeout: number
  readonly #where: { readonly host: string; readonly port: number } | { readonly socketPath: string }
  readonly #isTls: boolean
  readonly #agent: Agent

  /** `path` names the target in errors. */
  constructor({ backend, hostHeader, certificates, connectTimeout, responseTimeout }: BackendTarget, path: string) {
    const { where, isTls, authority } = parse(checkTarget(backend), `${path}.backend`)
    const ca = optional('string', certificates, `${path}.certificates`)
    if (ca !== undefined && !isTls) throw invalid(`${path}.certificates`, 'for a server with https')
    const settings = { keepAlive: true, timeout: idle }
    this.text = isTls ? `https://${authority}` : String(backend)
    this.#where = where
    this.#isTls = isTls
    this.#agent = isTls ? new TlsAgent({ ...settings, ...(ca !== undefined && { ca }) }) : new Agent(settings)
    this.host = hostOf(optional('string', hostHeader, `${path}.hostHeader`) ?? (isTls ? 'target' : 'client'), authority)
    if (this.host !== undefined && !/^[!-~]+$/.test(this.host)) throw invalid(`${path}.hostHeader`, 'a host')
    this.#connectTimeout = connectTimeout === undefined ? 9_000 : timeLimit(connectTimeout, `${path}.connectTimeout`)
    this.responseTimeout =
      responseTimeout === undefined ? 60_000 : timeLimit(responseTimeout, `${path}.responseTimeout`)
  }

  answer(exchange: RoutedExchange): void {
    forward(exchange, this)
  }

  readonly upgrade = (routed: RoutedRequest, socket: Duplex, head: Buffer): void => {
    forwardUpgrade(routed, socket, head, this)
  }

  send(request: UpstreamRequest): ClientRequest {
    const send = this.#isTls ? sendTls : sendPlain
    const asked = send({ ...this.#where, agent: this.#agent, ...request })
    const timer = after(this.#connectTimeout, () => asked.destroy(new Late()))
    const clear = () => clearTimeout(timer)
    asked.once('close', clear)
    asked.once('socket', socket => {
      const isConnecting = socket.connecting || (this.#isTls && (socket as TLSSocket).getProtocol() === null)
      if (!isConnecting) clear()
      else socket.once(this.#isTls ? 'secureConnect' : 'connect', clear)
    })
    return asked
  }

  refusalOf(error: unknown): Refusal {
    // Without details, which would reveal internals of this machine.
    if (error instanceof Late) return new Refusal(504, 'the service has not answered in time')
    const { syscall } = error as NodeJS.ErrnoException
    const isUnreachable = syscall === 'connect' || syscall === 'getaddrinfo'
    return new Refusal(502, isUnreachable ? 'the service cannot be reached' : 'the service failed before it answered')
  }

  close(): void {
    for (const sockets of Object.values(this.#agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy()
  }
}

function hostOf(header: string, authority: string): string | undefined {
  if (header === 'client') return undefined
  return header === 'target' ? authority : header
}

interface Parsed {
  readonly where: { readonly host: string; readonly port: number } | { readonly socketPath: string }
  readonly isTls: boolean
  readonly authority: string
}

function parse(text: string, path: string): Parsed {
  if (text.startsWith('unix:') && text.length > 5)
    return { where: { socketPath: text.slice(5) }, isTls: false, authority: 'localhost' }
  const url = /^\d+$/.test(text) ? `http://127.0.0.1:${text}` : text.includes('://') ? text : `http://${text}`
  const found = URL.canParse(url) ? new URL(url) : undefined
  const isTls = found?.protocol === 'https:'
  const hasMore = found === undefined || found.pathname !== '/' || found.search !== '' || found.username !== ''
  const hasPort = text.includes('://') || /:\d+$/.test(url)
  if (found === undefined || hasMore || !hasPort || (!isTls && found.protocol !== 'http:'))
    throw invalid(path, "'http://host:port', 'https://host', 'host:port', a port, or 'unix:' and a path")
  const host = found.hostname.replace(/^\[|\]$/g, '')
  const port = found.port === '' ? (isTls ? 443 : 80) : Number(found.port)
  return { where: { host, port }, isTls, authority: found.host }
}
