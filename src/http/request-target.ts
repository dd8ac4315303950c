import { BadMessage } from './head.js'

/** A path that URL parsing does not change: only these characters, without the segments `.` and `..`. */
const plainPath = /^\/(?!\/)(?:[\w\-~!$&'()*+,;=:@/]|\.(?![./?]|$))*(?:\?[\w\-.~!$&()*+,;=:@/?%]*)?$/
const id52 = /^[0-9a-v]{51}[0g]$/
const validHost = /^(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/** Whether URL parsing would keep the path and query unchanged. Cheaper than parsing. */
export function isPlainPath(text: string): boolean {
  return plainPath.test(text)
}

/** The URL of a received request. `own`: the host if the request names none. */
export function urlOf(target: string, host: string | undefined, own: string): string {
  if (host === undefined || (host !== '' && !validHost.test(host)))
    throw new BadMessage(400, 'Host is missing or invalid')
  const authority = host === '' ? own : host
  if (isPlainPath(target) && id52.test(authority)) return `http://${authority}${target}`
  if (target.startsWith('/')) return parsed(`http://${authority}${target}`).href
  if (!/^https?:\/\//i.test(target)) throw new BadMessage(400, 'the request target must be a path')
  const { pathname, search } = parsed(target)
  return parsed(`http://${authority}${pathname}${search}`).href
}

function parsed(text: string): URL {
  if (URL.canParse(text)) return new URL(text)
  throw new BadMessage(400, 'the request target is malformed')
}
