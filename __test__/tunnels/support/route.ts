import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'
import { socksConnect } from '../../helpers/socks.js'
import { alike, serving, tunnelled } from './tunnel.js'

/** Routes to a peer's web server: a TCP tunnel, an HTTP tunnel, and the proxies. An HTTP client can use an HTTP proxy in two ways. */
export const routeKinds = ['tcp', 'http', 'proxy', 'connect', 'socks5'] as const

/** A route to a web server. */
export type RouteKind = (typeof routeKinds)[number]

/** How clients reach a web server. */
export interface Route {
  readonly kind: RouteKind | 'direct'
  /** Host of the server, as the client names it. */
  readonly host: string
  readonly port: number
  /** Port of the proxy. */
  readonly proxy?: number
}

/** Whether a program that parses HTTP forwards the requests, instead of bytes. */
export function isHttp({ kind }: Route): boolean {
  return kind === 'http' || kind === 'proxy'
}

/** The URL of a path. */
export function urlOf({ host, port }: Route, path: string, scheme = 'http'): string {
  return `${scheme}://${host}:${port}${path}`
}

/** Opens this route to a port of 127.0.0.1, with the commands of the command line. */
export async function routed(t: ExecutionContext, kind: RouteKind, port: number): Promise<Route> {
  const host = '127.0.0.1'
  if (kind === 'tcp') return { kind, host, port: await tunnelled(t, port) }
  if (kind === 'http') {
    const ticket = await serving(t, ['http', String(port), '--public'])
    return { kind, host, port: portIn(await serving(t, ['http-bridge', '--peer', ticket])) }
  }
  const ticket = await serving(t, ['proxy-remote', '--target', `${host}:${port}`, '--public'])
  return { kind, host, port, proxy: portIn(await serving(t, [kind === 'socks5' ? 'socks5' : 'proxy', ticket])) }
}

/** Calls `use` without and with a tunnel, and asserts that the results are equal, byte for byte. Returns the result with the tunnel. */
export async function alikeOn<Result extends object>(
  t: ExecutionContext,
  route: Route,
  direct: number,
  use: (route: Route) => Promise<Result>,
  what = ''
): Promise<Result> {
  const routes = { direct: { kind: 'direct', host: '127.0.0.1', port: direct } as Route, tunnel: route }
  return await alike(t, { direct: routes.direct, tunnel: routes.tunnel }, use, what)
}

/** The URL of a proxy, in libcurl's form. */
export function proxyUrl({ kind, proxy }: Route): string | undefined {
  if (proxy === undefined) return undefined
  return `${kind === 'socks5' ? 'socks5h' : 'http'}://127.0.0.1:${proxy}`
}

/** Options of curl for the route. */
export function curlOptions(route: Route): string[] {
  const proxy = proxyUrl(route)
  if (proxy === undefined) return []
  const options = ['--proxy', proxy, '--noproxy', '']
  return route.kind === 'connect' ? [...options, '--proxytunnel', '--suppress-connect-headers'] : options
}

/** A connection to the server, for programs that use it directly. A plain proxy gets a CONNECT. */
export async function connected(route: Route): Promise<Socket> {
  const { kind, host, port, proxy } = route
  if (proxy === undefined) {
    const socket = connect(port, host)
    await once(socket, 'connect')
    return socket
  }
  if (kind === 'socks5') {
    const [socket, reply] = await socksConnect(proxy, host, port)
    if (reply !== 0) throw new Error(`SOCKS reply ${reply}`)
    // No byte comes before the client sends one. A client does not resume a socket itself.
    return socket.resume()
  }
  const socket = connect(proxy, '127.0.0.1')
  socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`)
  const [head] = await once(socket, 'data')
  if (!/^HTTP\/1\.1 200 [\s\S]*\r\n\r\n$/.test(String(head))) throw new Error(`no tunnel: ${head}`)
  return socket
}

function portIn(address: string): number {
  return Number(address.slice(address.lastIndexOf(':') + 1))
}
