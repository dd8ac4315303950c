import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Asked } from './head.js'
import { Refusal, refuse } from './refusal.js'
import type { Table } from './table.js'

/** Answers for the router's own name: `/proxy.pac`, and a list of hosts. */
export function answerOwn(request: IncomingMessage, response: ServerResponse, asked: Asked, site: OwnSite): void {
  const path = asked.path.replace(/\?.*/s, '')
  if (request.method !== 'GET' && request.method !== 'HEAD') refuse(response, new Refusal(405, 'only GET and HEAD'))
  else if (path === '/proxy.pac') send(request, response, 'application/x-ns-proxy-autoconfig', pac(asked, site))
  else if (path === '/') send(request, response, 'text/plain; charset=utf-8', list(site))
  else refuse(response, new Refusal(404, 'the router itself serves only /proxy.pac and /'))
}

/** Content of the pages. */
export interface OwnSite {
  readonly table: Table
  readonly id52: string
  readonly port: number
}

function send(request: IncomingMessage, response: ServerResponse, type: string, text: string): void {
  response.writeHead(200, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    // Prevents other sites from reading it, even as a script.
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin'
  })
  response.end(request.method === 'HEAD' ? undefined : text)
}

function list({ table, id52, port }: OwnSite): string {
  const home = table.hasHome ? [`http://${id52}.localhost:${port}/`] : []
  const lines = [...home, ...table.names.map(name => `http://${name}.localhost:${port}/`)]
  return `fastn-net router of ${id52}\n\n${lines.map(line => `${line}\n`).join('')}`
}

/**
 * A proxy configuration for clients that do not resolve `*.localhost`, and for names that exist only here. It matches only URLs with the
 * router's port or without a port, so that other local servers stay reachable.
 */
function pac({ host }: Asked, { table, port }: OwnSite): string {
  const proxy = `PROXY ${/^[\d[]/.test(host) ? host : '127.0.0.1'}:${port}`
  const names = table.names.filter(name => name.includes('.'))
  return `function FindProxyForURL(url, host) {
  var names = ${JSON.stringify(names)};
  host = host.toLowerCase();
  var isRouted = /\\.localhost$/.test(host) || names.indexOf(host) >= 0;
  var parts = /^(http|ws):\\/\\/[^\\/?#]*?(?::(\\d+))?(?:[\\/?#]|$)/i.exec(url);
  if (isRouted && parts && (!parts[2] || parts[2] === '80' || parts[2] === '${port}')) return '${proxy}';
  return 'DIRECT';
}
`
}
