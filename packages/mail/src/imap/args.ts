import { BadCommand, type Token, type Word } from './command.js'
import { mailboxName } from './format.js'
import { Refused } from './refused.js'

/** Throws `BadCommand` for a wrong number of arguments. */
export function expectCount(args: readonly Token[], least: number, most: number = least): void {
  if (args.length < least || args.length > most) throw new BadCommand('the number of arguments is wrong')
}

export function isList(token: Token | undefined): token is readonly Token[] {
  return Array.isArray(token)
}

/** A word. Throws `BadCommand` for lists, and for a word with a section. */
export function wordOf(token: Token | undefined): Word {
  // The library parses the atom NIL as null everywhere.
  if (token === null) return { kind: 'atom', value: 'NIL' }
  if (token === undefined || isList(token)) throw new BadCommand('a word is missing')
  const word = token as Word
  if (word.section || word.partial) throw new BadCommand('a section is not expected here')
  return word
}

/** The text of a word: astring. */
export function textOf(token: Token | undefined): string {
  return wordOf(token).value
}

/** An atom in capitals. */
export function atomOf(token: Token | undefined): string {
  return textOf(token).toUpperCase()
}

export function listOf(token: Token | undefined): readonly Token[] {
  if (!isList(token)) throw new BadCommand('a list is missing')
  return token
}

/** Text that should be UTF-8, such as names and passwords. */
export function utf8Of(token: Token | undefined): string {
  return Buffer.from(textOf(token), 'latin1').toString('utf8')
}

/** The name of a mailbox. Throws {@link Refused} for an invalid encoding. */
export function mailboxOf(token: Token | undefined): string {
  const name = mailboxName(textOf(token))
  if (name === undefined) throw new Refused('mailbox names must be encoded as modified UTF-7', 'CANNOT')
  return name
}

/** A number up to 2^53. */
export function numberOf(token: Token | undefined): number {
  const text = textOf(token)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) throw new BadCommand('a number is missing')
  return Number(text)
}
