import { isClaim } from './claims.js'

/** Fields for framing, routing, authentication, request modifiers or content format (RFC 9110, 6.5.1), and hop-by-hop fields. */
const headOnly: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate'
])

/** Whether a trailer may pass. Receivers may merge trailers into the headers. */
export function mayTrail(name: string): boolean {
  const lower = name.toLowerCase()
  return !headOnly.has(lower.replace(/[^a-z0-9]/g, '-')) && !isClaim(lower)
}

/** The names in `Trailer` that may pass; `''` if there are none. */
export function announced(value: string): string {
  const names = value.split(',').map(name => name.trim())
  return names.filter(name => name !== '' && mayTrail(name)).join(', ')
}
