import { PublicKey } from 'fastn-net'
import { MailError } from './errors.js'

/** A mail address of a peer: `alias@<id52>.fastn`. */
export interface MailAddress {
  /** The part before the `@`, unchanged. */
  readonly alias: string
  /** ID52 of the peer, in lower case. */
  readonly id52: string
}

/**
 * Parses a mail address whose domain begins with an ID52. The rest of the domain, such as `.fastn`, is ignored.
 *
 * @throws {MailError} `ERR_INVALID_ARGUMENT` if it is malformed.
 *
 * @example
 * const { alias, id52 } = parseMailAddress(`ada@${endpoint.id52}.fastn`)
 */
export function parseMailAddress(address: string): MailAddress {
  const at = address.lastIndexOf('@')
  const label = address.slice(at + 1).split('.', 1)[0] ?? ''
  const alias = address.slice(0, at)
  if (at < 1 || alias.length > 64 || !/^[0-9a-v]{51}[0g]$/i.test(label)) throw notOne(address)
  try {
    return { alias, id52: PublicKey.from(label).id52 }
  } catch {
    throw notOne(address)
  }
}

function notOne(address: string): MailError {
  const shown = address.length > 80 ? `${address.slice(0, 80)}…` : address
  return new MailError('ERR_INVALID_ARGUMENT', `'${shown}' is not an address such as name@<id52>.fastn`)
}
