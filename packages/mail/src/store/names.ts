import { MailError } from '../errors.js'
import { decodeUtf7, encodeUtf7 } from './utf7.js'

/** Separator of levels in mailbox names, as in Maildir++. */
export const separator = '.'

/** Maximum name, in bytes of modified UTF-7. File systems allow 255 with the leading dot. */
const maxNameBytes = 200

/** Mailboxes of a new account with their use (RFC 6154). */
export const specialUses: ReadonlyMap<string, string> = new Map([
  ['Drafts', '\\Drafts'],
  ['Sent', '\\Sent'],
  ['Junk', '\\Junk'],
  ['Trash', '\\Trash'],
  ['Archive', '\\Archive']
])

/**
 * Checks a mailbox name. `INBOX` is case-insensitive and returned in capitals. Throws `ERR_INVALID_ARGUMENT` for a name that could leave the
 * Maildir or that file systems do not support.
 */
export function checkName(name: string): string {
  if (name.toUpperCase() === 'INBOX') return 'INBOX'
  const levels = name.split(separator)
  const refuse = (why: string) => {
    throw new MailError('ERR_INVALID_ARGUMENT', `invalid name of a mailbox: ${why}`)
  }
  if (name === '') refuse('it is empty')
  if (levels.includes('')) refuse(`a level between '${separator}' is empty`)
  if (/\p{Surrogate}/u.test(name)) refuse('it is not well-formed Unicode')
  // Windows does not allow colons, quotes and wildcards, and some IMAP clients do not quote them.
  if (/[/\\:*?"<>|%]|\p{Control}/u.test(name)) refuse('a character is not allowed')
  if (levels.some(level => level.trim() !== level)) refuse('a level begins or ends with a space')
  if (levels[0]?.startsWith('~')) refuse("it begins with '~'")
  if (levels[0]?.toUpperCase() === 'INBOX') refuse('INBOX has no levels below it')
  if (Buffer.byteLength(encodeUtf7(name)) > maxNameBytes) refuse(`it has more than ${maxNameBytes} bytes`)
  return name
}

/** The folder of a mailbox inside the Maildir; empty for INBOX, which is the Maildir. */
export function folderOf(name: string): string {
  return name === 'INBOX' ? '' : `.${encodeUtf7(name)}`
}

/** The mailbox of a folder inside the Maildir; `undefined` if it is not a mailbox. */
export function mailboxOf(folder: string): string | undefined {
  if (!folder.startsWith('.')) return undefined
  const name = decodeUtf7(folder.slice(1))
  if (name === undefined) return undefined
  try {
    return checkName(name) === 'INBOX' ? undefined : name
  } catch {
    return undefined
  }
}
