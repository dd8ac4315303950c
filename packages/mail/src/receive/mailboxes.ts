import { parseMailAddress } from '../address.js'
import { MailError } from '../errors.js'
import type { MailStore } from '../store/index.js'

/** A user whose mail arrives here. */
export interface Mailbox {
  /** Name of the user. */
  readonly name: string
  /** Where the mail is kept. */
  readonly store: Pick<MailStore, 'deliver' | 'has'>
  /** Local parts of its addresses besides the name. `'*'`: every one that no other user has. */
  readonly aliases: readonly string[]
}

/** Finds the mailbox of an address here. Local parts are compared without case, and up to a `+`. */
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

  /** The mailbox of a local part; `undefined` if there is none. */
  find(alias: string): Mailbox | undefined {
    const key = keyOf(alias)
    return this.#byAlias.get(key) ?? this.#byAlias.get(key.split('+', 1)[0] ?? '') ?? this.#rest
  }

  /** The mailbox of an address; `undefined` if there is none. */
  ofAddress(address: string): Mailbox | undefined {
    return this.find(parseMailAddress(address).alias)
  }
}

function keyOf(alias: string): string {
  return alias.normalize('NFC').toLowerCase()
}
