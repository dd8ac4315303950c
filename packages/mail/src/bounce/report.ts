import { randomUUID } from 'node:crypto'
import { open } from 'node:fs/promises'
import MimeNode from 'nodemailer/lib/mime-node'
import type { RefusedRecipient } from '../protocol.js'
import type { Delivery } from '../queue/queue.js'

/** Content of a report. */
export interface ReportOptions {
  readonly delivery: Delivery
  /** ID52 of this peer. */
  readonly id52: string
  /** Path of the reported message. */
  readonly path: string
  /** Whether the mail has failed or is delayed. */
  readonly action: 'failed' | 'delayed'
  /** The recipients with reasons. */
  readonly recipients: readonly RefusedRecipient[]
  /** Time, in milliseconds as from `Date.now()`. */
  readonly now: number
  /** Deadline of retries, for a delayed mail. */
  readonly until: number
}

// RFC 3463 codes for answers of peers and this service.
const statuses: Readonly<Record<string, string>> = {
  'unknown-user': '5.1.1',
  'not-allowed': '5.7.1',
  unauthorized: '5.7.1',
  from: '5.7.1',
  'too-large': '5.3.4',
  quota: '5.2.2',
  storage: '5.3.0',
  expired: '5.4.7',
  corrupt: '5.6.0'
}

/** Maximum bytes of the returned headers. */
const maxHeaderBytes = 64 * 1024

/**
 * Builds a delivery status notification (RFC 3464): a readable text, a machine-readable status per recipient, and the headers of the
 * message. It has the null sender, so that it never causes another report.
 */
export async function report(options: ReportOptions): Promise<Buffer> {
  const { delivery, id52, action, recipients, now, until } = options
  const host = `${id52}.fastn`
  const root = new MimeNode('multipart/report; report-type=delivery-status')
  root.setHeader([
    { key: 'From', value: { name: 'Mail delivery', address: `postmaster@${host}` } },
    { key: 'To', value: { name: '', address: delivery.from } },
    { key: 'Subject', value: action === 'failed' ? 'Your mail was not delivered' : 'Your mail is delayed' },
    { key: 'Date', value: new Date(now).toUTCString().replace('GMT', '+0000') },
    { key: 'Message-ID', value: `<${randomUUID()}@${host}>` },
    { key: 'Auto-Submitted', value: 'auto-replied' }
  ])
  root.createChild('text/plain; charset=utf-8').setContent(text(action, recipients, until))
  const status = root.createChild('message/delivery-status')
  status.setHeader('Content-Transfer-Encoding', '8bit')
  status.setContent(statusFields(options, host))
  const headers = root.createChild('text/rfc822-headers')
  headers.setHeader('Content-Transfer-Encoding', '8bit')
  headers.setContent(await headersOf(options.path))
  return root.build()
}

function text(action: ReportOptions['action'], recipients: readonly RefusedRecipient[], until: number): string {
  const list = recipients.map(({ to, message, code }) => `  ${to}\r\n    ${message || code}`).join('\r\n')
  if (action === 'failed')
    return `Your mail could not be delivered to:\r\n\r\n${list}\r\n\r\nNo further attempt follows. The headers of the mail are attached.\r\n`
  const day = new Date(until).toUTCString()
  return `Your mail has not been delivered yet to:\r\n\r\n${list}\r\n\r\nYou need not do anything. It is tried again until ${day}.\r\n`
}

function statusFields({ delivery, action, recipients, until, id52 }: ReportOptions, host: string): string {
  const own = [`Reporting-MTA: dns; ${host}`, `Arrival-Date: ${new Date(delivery.queuedAt).toUTCString()}`]
  const each = recipients.map(({ to, code, message }) =>
    [
      `Final-Recipient: rfc822; ${to}`,
      `Action: ${action}`,
      `Status: ${action === 'failed' ? (statuses[code] ?? '5.0.0') : '4.4.1'}`,
      ...(delivery.peer === id52 ? [] : [`Remote-MTA: dns; ${delivery.peer}.fastn`]),
      `Diagnostic-Code: x-fastn; ${code}${message ? `: ${message}` : ''}`,
      ...(action === 'delayed' ? [`Will-Retry-Until: ${new Date(until).toUTCString()}`] : [])
    ].join('\r\n')
  )
  return `${[own.join('\r\n'), ...each].join('\r\n\r\n')}\r\n`
}

/** The headers of a message, truncated at a line end. Empty if the message is unreadable. */
async function headersOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) return Buffer.alloc(0)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxHeaderBytes), 0, maxHeaderBytes, 0)
    const read = buffer.subarray(0, bytesRead)
    const ends = [read.indexOf('\r\n\r\n'), read.indexOf('\n\n')].filter(at => at >= 0)
    return read.subarray(0, ends.length > 0 ? Math.min(...ends) + 2 : read.lastIndexOf('\n') + 1)
  } catch {
    return Buffer.alloc(0)
  } finally {
    await file.close()
  }
}
