import type { IncomingMessage } from 'node:http'
import { isClaim } from '../http/claims.js'
import type { Field } from '../http/head.js'
import { announced, mayTrail } from '../http/trailers.js'
import type { Caller } from './caller.js'
import type { RoutedRequest } from './exchange.js'
import { Refusal } from './refusal.js'

/** Hop-by-hop fields, which are not forwarded. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'transfer-encoding',
  'upgrade',
  'http2-settings'
])

const validAuthority = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** The requested resource. */
export interface Asked {
  /** Host and port. */
  readonly authority: string
  /** Host in lower case, without port and final dot. */
  readonly host: string
  /** Path and query. */
  readonly path: string
  /** The request target is a URL: the client uses the router as a proxy. */
  readonly isProxied: boolean
}

/**
 * Parses the requested resource.
 *
 * @throws {Refusal}
 */
export function askedOf(request: IncomingMessage): Asked {
  const { url = '', rawHeaders, headers } = request
  if (countOf(rawHeaders, 'host') > 1) throw new Refusal(400, 'Host is repeated')
  const codings = headers['transfer-encoding']
  if (codings !== undefined && codings.toLowerCase() !== 'chunked')
    throw new Refusal(501, 'the only Transfer-Encoding supported is chunked')
  const [, scheme, ofUrl, rest] = /^(\w+):\/\/([^/?#]*)(.*)$/.exec(url) ?? []
  if (scheme !== undefined && scheme.toLowerCase() !== 'http') throw new Refusal(400, 'the router serves http: only')
  const authority = ofUrl ?? headers.host ?? ''
  const path = rest === undefined ? url : rest.startsWith('/') ? rest : `/${rest}`
  if (!path.startsWith('/')) throw new Refusal(400, 'the request target must be a path')
  return { authority, host: hostOf(authority), path, isProxied: rest !== undefined }
}

/**
 * The host of an authority, in lower case.
 *
 * @throws {Refusal}
 */
export function hostOf(authority: string): string {
  if (!validAuthority.test(authority)) throw new Refusal(400, 'Host is missing or malformed')
  const host = authority.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()
  if (host === '') throw new Refusal(400, 'Host is missing or malformed')
  return host
}

/** The fields to forward: see {@link RoutedRequest.fields}. */
export function routed(request: IncomingMessage, { authority, path }: Asked, caller: Caller): RoutedRequest {
  const fields: Field[] = [['host', authority]]
  for (const field of endToEnd(request.rawHeaders, request.headers['transfer-encoding'] !== undefined)) {
    if (field[0] !== 'host' && field[0] !== 'expect' && !isClaim(field[0])) fields.push(field)
  }
  fields.push(...caller.fields, ['x-forwarded-host', authority], ['x-forwarded-proto', 'http'])
  return { request, caller, authority, path, fields }
}

/** The fields of a message to forward, with names in lower case. `isChunked`: its body may have trailers. */
export function endToEnd(raw: readonly string[], isChunked: boolean): Field[] {
  const named = connectionNames(raw)
  const fields: Field[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    const value = raw[at + 1] as string
    if (name === 'te' && /(?:^|,)[\t ]*trailers[\t ]*(?:[;,]|$)/i.test(value)) fields.push(['te', 'trailers'])
    if (hopByHop.has(name)) continue
    // Dropping these would change the message.
    if (named?.has(name) === true && name !== 'host' && name !== 'content-length') continue
    const kept = name !== 'trailer' ? value : isChunked ? announced(value) : ''
    if (name !== 'trailer' || kept !== '') fields.push([name, kept])
  }
  return fields
}

/** The trailers of a message to forward. */
export function trailersOf({ rawTrailers }: IncomingMessage): [string, string][] {
  const fields: [string, string][] = []
  for (let at = 0; at < rawTrailers.length; at += 2) {
    const name = rawTrailers[at] as string
    if (mayTrail(name)) fields.push([name, rawTrailers[at + 1] as string])
  }
  return fields
}

/** The fields that `Connection` names. */
function connectionNames(raw: readonly string[]): Set<string> | undefined {
  let names: Set<string> | undefined
  for (let at = 0; at < raw.length; at += 2) {
    if ((raw[at] as string).toLowerCase() !== 'connection') continue
    names ??= new Set()
    for (const name of (raw[at + 1] as string).toLowerCase().split(',')) names.add(name.trim())
  }
  return names
}

/** Counts the occurrences of a field. */
function countOf(raw: readonly string[], name: string): number {
  let found = 0
  for (let at = 0; at < raw.length; at += 2) if ((raw[at] as string).toLowerCase() === name) found++
  return found
}

/** Fields in Node's format: alternating names and values. */
export function rawOf(fields: Iterable<Field>): string[] {
  const raw: string[] = []
  for (const [name, value] of fields) raw.push(name, value)
  return raw
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Whether a request is cross-origin and may change data. Only browsers send these fields, and pages cannot change them.
 */
export function isCrossOrigin(
  { method = '', headers }: IncomingMessage,
  authority: string,
  isUpgrade: boolean
): boolean {
  if (safeMethods.has(method) && !isUpgrade) return false
  const { origin } = headers
  if (origin !== undefined && URL.canParse(origin) && new URL(origin).host === new URL(`http://${authority}`).host)
    return false
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return origin !== undefined
}
