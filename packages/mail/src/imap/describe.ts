import { type Address, parseAddresses } from '../mime/addresses.js'
import { fieldValue, type HeaderField } from '../mime/headers.js'
import { type Parameterised, parameterOf, parseParameters } from '../mime/parameters.js'
import type { Part } from '../mime/structure.js'
import { nstring, quote } from './format.js'

/** Maximum value of a field in ENVELOPE and BODYSTRUCTURE, in bytes. */
const maxValueBytes = 64 * 1024

/** ENVELOPE of a header. */
export function envelopeOf(fields: readonly HeaderField[]): string {
  const text = (name: string) => fieldValue(fields, name)?.slice(0, maxValueBytes)
  const list = (name: string) => parseAddresses(allOf(fields, name))
  const from = list('from')
  const sender = list('sender')
  const replyTo = list('reply-to')
  const addresses = [
    from,
    sender.length > 0 ? sender : from,
    replyTo.length > 0 ? replyTo : from,
    list('to'),
    list('cc'),
    list('bcc')
  ]
  return `(${[
    nstring(text('date')),
    nstring(text('subject')),
    ...addresses.map(formatAddresses),
    nstring(text('in-reply-to')),
    nstring(text('message-id'))
  ].join(' ')})`
}

function allOf(fields: readonly HeaderField[], name: string): string {
  const values = fields.filter(field => field.name === name).map(({ value }) => value)
  return values.join(', ')
}

function formatAddresses(addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'NIL'
  return `(${addresses.map(({ name, mailbox, host }) => `(${nstring(name)} NIL ${nstring(mailbox)} ${nstring(host)})`).join('')})`
}

/** BODYSTRUCTURE of a part, or BODY, which has no extensions. */
export function bodyStructureOf(part: Part, isExtended: boolean): string {
  if (part.parts.length > 0) {
    const inner = part.parts.map(inside => bodyStructureOf(inside, isExtended)).join('')
    const extended = isExtended ? ` ${formatParameters(part.contentType)} ${extensions(part)}` : ''
    return `(${inner} ${quote(part.subtype)}${extended})`
  }
  const { fields } = part
  const clipped = (name: string) => fieldValue(fields, name)?.slice(0, maxValueBytes)
  const out = [
    quote(part.type),
    quote(part.subtype),
    formatParameters(part.contentType, part.type === 'text'),
    nstring(clipped('content-id')),
    nstring(clipped('content-description')),
    quote(encodingOf(fields)),
    String(part.end - part.body)
  ]
  if (part.message) {
    out.push(envelopeOf(part.message.fields), bodyStructureOf(part.message, isExtended))
  }
  if (part.message || part.type === 'text') out.push(String(part.lines))
  if (isExtended) out.push(nstring(clipped('content-md5')), extensions(part))
  return `(${out.join(' ')})`
}

/** Disposition, languages and location. */
function extensions({ fields }: Part): string {
  const given = fieldValue(fields, 'content-disposition')
  const disposition = given === undefined ? undefined : parseParameters(given)
  const languages = (fieldValue(fields, 'content-language') ?? '')
    .slice(0, maxValueBytes)
    .split(',')
    .map(language => language.trim())
    .filter(language => language !== '')
  return [
    disposition?.value ? `(${quote(disposition.value.toLowerCase())} ${formatParameters(disposition)})` : 'NIL',
    languages.length === 0
      ? 'NIL'
      : languages.length === 1
        ? quote(languages[0] ?? '')
        : `(${languages.map(quote).join(' ')})`,
    nstring(fieldValue(fields, 'content-location')?.slice(0, maxValueBytes))
  ].join(' ')
}

/** Text without a charset is reported as US-ASCII. */
function formatParameters(value: Parameterised, isText: boolean = false): string {
  const given = value.parameters.flatMap(([name, text]) => [quote(name), quote(text)])
  if (isText && parameterOf(value, 'charset') === undefined) given.push('"charset"', '"us-ascii"')
  return given.length === 0 ? 'NIL' : `(${given.join(' ')})`
}

function encodingOf(fields: readonly HeaderField[]): string {
  const encoding = /^[\x21-\x7e]+/.exec(fieldValue(fields, 'content-transfer-encoding') ?? '')?.[0] ?? '7bit'
  return encoding.slice(0, 100).toLowerCase()
}
