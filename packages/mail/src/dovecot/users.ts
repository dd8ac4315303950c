import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { MailError } from '../errors.js'

/** A user of Dovecot. */
export interface DovecotUser {
  /** Login name. */
  name: string
  /** Folder of the user's Maildir. */
  folder: string
  /** Hash of the password: see {@link dovecotPassword}, or of `doveadm pw`. */
  password: string
  /** User ID of the folder's owner. */
  uid: number
  /** Group ID of the folder's owner. */
  gid: number
}

/** Rounds of PBKDF2 with SHA-1, as OWASP recommends (2023). */
const rounds = 1_300_000

/** Hashes a password for {@link dovecotUsers}, in about a second. */
export function dovecotPassword(password: string): string {
  const salt = randomBytes(12).toString('base64url')
  const hash = pbkdf2Sync(password, salt, rounds, 20, 'sha1').toString('hex')
  return `{PBKDF2}$1$${salt}$${rounds}$${hash}`
}

/** The file of users for `usersFile` of a configuration. Make it readable by its owner only. Throws `ERR_INVALID_ARGUMENT` for names with a colon. */
export function dovecotUsers(users: readonly DovecotUser[]): string {
  return users.map(line).join('')
}

function line({ name, folder, password, uid, gid }: DovecotUser): string {
  for (const value of [name, folder, password]) {
    if (/[:\n]/.test(value))
      throw new MailError('ERR_INVALID_ARGUMENT', 'values of a user must not contain colons or line breaks')
  }
  return `${name}:${password}:${uid}:${gid}::${folder}::\n`
}
