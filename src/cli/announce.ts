import type { Endpoint } from '../index.js'
import type { Context } from './context.js'
import { qrCode } from './qr.js'

/** Option of a command that prints its ticket. */
export const qrOption = {
  qr: { help: 'Print the ticket as a QR code, also where stderr is no terminal.' }
} as const

/** How a command prints its ticket. */
export interface AnnounceOptions {
  /** How a peer uses it. */
  readonly hint: string
  /** Whether stdout is for something else. Default: false. */
  readonly isOnStderr?: boolean
}

/** Prints the ticket of an endpoint that serves, and its QR code on a terminal. */
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
