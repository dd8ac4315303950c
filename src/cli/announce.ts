import type { Endpoint } from '../index.js'
import type { Context } from './context.js'
import { qrCode } from './qr.js'

/** Option of commands that print a ticket. */
export const qrOption = {
  qr: { help: 'Print the ticket as a QR code, even if stderr is not a terminal.' }
} as const

/** How to print a ticket. */
export interface AnnounceOptions {
  /** Hint on how a peer uses it. */
  readonly hint: string
  /** Whether stdout carries other data. Default: false. */
  readonly isOnStderr?: boolean
}

/** Prints the ticket of an endpoint, and its QR code on a terminal. */
export async function announce(
  { args, output, signal }: Context,
  endpoint: Endpoint,
  { hint, isOnStderr = false }: AnnounceOptions
): Promise<void> {
  const ticket = await endpoint.ticket({ signal })
  if (isOnStderr) process.stderr.write(`${ticket}\n`)
  else await output.result(ticket, { event: 'ready', id52: endpoint.id52, ticket })
  output.hint(hint)
  if (args.has('malai')) output.hint(`malai peers know it by its ID52: ${endpoint.id52}`)
  if (!args.has('qr') && !process.stderr.isTTY) return
  const code = qrCode(ticket, output.columns)
  if (code !== undefined) output.hint(code)
}
