import { randomInt } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { hashMailPassword } from '../../rig/services/index.js'
import type { Command } from '../command.js'
import { UsageError } from '../failure.js'
import { homeOption } from './home.js'
import { hideSqliteWarning } from './sqlite-warning.js'

/** Without characters that look alike. */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
const length = 20

/** Hashes a mail password. */
export const mailPassword: Command = {
  name: 'rig mail-password',
  summary: 'Print the hash of a mail password, for [mail.users].',
  description:
    'Generates a password and prints it to stderr; --stdin reads one line instead. Needs the package fastn-mail and\n' +
    'Node.js 22.13 or newer.',
  options: { ...homeOption, stdin: { help: 'Read the password from stdin.' } },
  examples: [
    ['fastn-net rig mail-password', 'A new password, and its hash.'],
    ['fastn-net rig mail-password --stdin < password.txt', 'The hash of your own password.']
  ],
  async run({ args, output }) {
    hideSqliteWarning()
    const made = !args.has('stdin')
    const password = made ? newPassword() : (await text(process.stdin)).replace(/\r?\n$/, '')
    if (password === '') throw new UsageError('stdin has no password')
    const hash = await hashMailPassword(password)
    if (made && !output.json) process.stderr.write(`Password: ${password}\n`)
    await output.result(hash, { event: 'password', hash, ...(made && { password }) })
    return undefined
  }
}

/** 100 bits. */
function newPassword(): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('')
}
