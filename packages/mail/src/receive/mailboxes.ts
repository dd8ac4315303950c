import { parseMailAddress } from '../address.js'
import { MailError } from '../errors.js'
import type { MailStore } from '../store/index.js'

/** A local user. */
export interface Mailbox {
  /** Name of the user. */
  readonly name: string
  /** Storage of the mail. */
  readonly store: Pick<MailStore, 'deliver' | 'has'>
  /** Further local parts of its addresses. `'*'` matches all that no other user has. */
  readonly aliases: readonly string[]
}

/** Resolves local addresses to mailboxes. Local parts are case-insensitive, and end at a `+`. */
export class Mailboxes {
  readonly #byAlias = new Map<string, Mailbox>()
  readonly #rest: Mailbox | undefined

  /** @throws {MailError} `ERR_INVALID_ARGUMENT` if two users have one alias. */
  constructor(mailboxes: readonly Mailbox[]) {
    let rest: Mailbox | undefined
    for (const mailbox of mailboxes) {
      for (const alias of new Set([mailbox.name, ...mailbox.aliases].map(keyOf))) {
        const other = alias === '*' ? rest : this.#byAlias.get(alias)
        if (other !== undefined)
          throw new MailError(
            'ERR_INVALID_ARGUMENT',
            `both ${other.name} and ${mailbox.name} have the alias '${alias}'`
          )
        if (alias === '*') rest = mailbox
        else this.#byAlias.set(alias, mailbox)
      }
    }
    this.#rest = rest
  }

  /** The mailbox of a local part; `undefined` without one. */
  find(alias: string): Mailbox | undefined {
    const key = keyOf(alias)
    return this.#byAlias.get(key) ?? this.#byAlias.get(key.split('+', 1)[0] ?? '') ?? this.#rest
  }

  /** The mailbox of an address; `undefined` without one. */
  ofAddress(address: string): Mailbox | undefined {
    return this.find(parseMailAddress(address).alias)
  }
}

function keyOf(alias: string): string {
  return alias.normalize('NFC').toLowerCase()
}
