import { namesOf } from '../store/flags.js'
import type { MessageRow } from '../store/message-index.js'
import { decodeUtf7, encodeUtf7 } from '../store/utf7.js'

/** Maximum text in quotes. */
const maxQuotedBytes = 1000

/** A string: quoted, or as a literal if necessary. Takes a binary string. */
export function quote(text: string): string {
  if (text.length <= maxQuotedBytes && /^[\x20-\x7e]*$/.test(text)) return `"${text.replace(/["\\]/g, '\\$&')}"`
  // Literals must not contain NUL.
  const bytes = text.replaceAll('\0', '\x80')
  return `{${bytes.length}}\r\n${bytes}`
}

/** A string, or `NIL` for `undefined`. */
export function nstring(text: string | undefined): string {
  return text === undefined ? 'NIL' : quote(text)
}

/** The name of a mailbox in a response. */
export function quoteMailbox(name: string): string {
  const wire = encodeUtf7(name)
  return /^[A-Za-z0-9_.&,+\-/]+$/.test(wire) && wire.toUpperCase() !== 'NIL' ? wire : quote(wire)
}

/** The name of a mailbox in a command; `undefined` for an invalid encoding. */
export function mailboxName(wire: string): string | undefined {
  return decodeUtf7(wire)
}

/** The flags of a message, in parentheses. */
export function formatFlags(row: MessageRow, isRecent: boolean): string {
  return `(${[...namesOf(row), ...(isRecent ? ['\\Recent'] : [])].join(' ')})`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** An internal date: `" 7-Feb-1994 21:52:25 +0000"`, with its quotes. */
export function formatDate(ms: number): string {
  const date = new Date(ms)
  const two = (number: number) => String(number).padStart(2, '0')
  const day = String(date.getUTCDate()).padStart(2, ' ')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `"${day}-${months[date.getUTCMonth()]}-${year} ${time} +0000"`
}

/** Reads an internal date. Returns `undefined` for other texts. */
export function parseDateTime(text: string): number | undefined {
  const found = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  if (!found) return undefined
  const [
    ,
    day = '',
    month = '',
    year = '',
    hours = '',
    minutes = '',
    seconds = '',
    sign = '',
    zoneHours = '',
    zoneMinutes = ''
  ] = found
  const at = months.findIndex(name => name.toLowerCase() === month.toLowerCase())
  if (at === -1) return undefined
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * 60_000 * (sign === '-' ? -1 : 1)
  const ms = Date.UTC(Number(year), at, Number(day), Number(hours), Number(minutes), Number(seconds)) - zone
  return new Date(Date.UTC(Number(year), at, Number(day))).getUTCDate() === Number(day) ? ms : undefined
}

/** Reads a day such as `7-Feb-1994`: milliseconds of its start, as UTC. Returns `undefined` for other texts. */
export function parseDay(text: string): number | undefined {
  const found = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text)
  return found
    ? parseDateTime(`${(found[1] ?? '').padStart(2, ' ')}-${found[2]}-${found[3]} 00:00:00 +0000`)
    : undefined
}
