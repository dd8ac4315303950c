import { join } from 'node:path'
import { parseMailAddress } from './address.js'
import { MailError } from './errors.js'
import { type MailUser, userNames } from './mail-options.js'
import { checkNames, count, invalid } from './options.js'
import { checkHash, verifyPassword } from './password.js'
import { type Mailbox, Mailboxes } from './receive/mailboxes.js'
import { type MailStore, openMailStore } from './store/index.js'

const userName = /^[a-z\d][a-z\d._-]{0,63}$/
const defaultQuota = 5 * 1024 ** 3

/** The users of a service, and their mailboxes. */
export class Users {
  readonly mailboxes: Mailboxes
  readonly #users: Readonly<Record<string, MailUser>>
  readonly #stores: ReadonlyMap<string, MailStore>
  readonly #owned: readonly MailStore[]
  readonly #byName: ReadonlyMap<string, Mailbox>

  private constructor(
    users: Readonly<Record<string, MailUser>>,
    stores: ReadonlyMap<string, MailStore>,
    owned: readonly MailStore[]
  ) {
    this.#users = users
    this.#stores = stores
    this.#owned = owned
    const isOnly = stores.size === 1
    const list = [...stores].map(([name, store]) => {
      const { aliases = isOnly ? ['*'] : [] } = users[name] ?? {}
      return { name, store, aliases }
    })
    this.mailboxes = new Mailboxes(list)
    this.#byName = new Map(list.map(mailbox => [mailbox.name, mailbox]))
  }

  /** Checks users, and opens the service's stores for them. */
  static async open(users: Readonly<Record<string, MailUser>>, folder: string): Promise<Users> {
    checkUsers(users)
    const stores = new Map<string, MailStore>()
    const owned: MailStore[] = []
    try {
      for (const [name, { store, quotaBytes = defaultQuota }] of Object.entries(users)) {
        const opened = store ?? (await openMailStore({ folder: join(folder, 'users', name), quotaBytes }))
        if (store === undefined) owned.push(opened)
        stores.set(name, opened)
      }
      return new Users(users, stores, owned)
    } catch (error) {
      for (const store of owned) store.close()
      throw error
    }
  }

  /** Names of the users. */
  get names(): string[] {
    return [...this.#stores.keys()]
  }

  /** The user with a name or local address and a password; `undefined` if they do not match. */
  async logIn(name: string, password: string, id52: string): Promise<string | undefined> {
    const user = localName(name, id52)
    const hash = Object.hasOwn(this.#users, user) ? this.#users[user]?.password : undefined
    // Takes as long for an unknown name.
    const isRight = await verifyPassword(password, hash ?? noHash)
    return hash !== undefined && isRight ? user : undefined
  }

  /** Storage of a user's mail. */
  store(user: string): MailStore | undefined {
    return this.#stores.get(user)
  }

  /** Whether an alias belongs to a user. */
  owns(user: string, alias: string): boolean {
    const own = this.#byName.get(user)
    return own !== undefined && this.mailboxes.find(alias) === own
  }

  /** Closes the stores of the service. */
  close(): void {
    for (const store of this.#owned) store.close()
  }
}

function checkUsers(users: Readonly<Record<string, MailUser>>): void {
  const given: unknown = users
  if (typeof given !== 'object' || given === null || Object.keys(given).length === 0)
    throw invalid('users must contain at least one user')
  for (const [name, user] of Object.entries(users)) {
    if (!userName.test(name)) throw invalid(`'${name}' is not a user name such as 'ada'`)
    checkNames(user, userNames, `users.${name}`)
    if (user.password !== undefined) checkHash(user.password, `users.${name}.password`)
    count(user.quotaBytes, 0, 0, `users.${name}.quotaBytes`)
    if (user.aliases?.some(alias => alias === '' || alias.includes('@')) === true)
      throw invalid(`users.${name}.aliases must be local parts of addresses, before the @`)
  }
}

/** Clients log in with an address or its local part. */
function localName(name: string, id52: string): string {
  const lower = name.toLowerCase()
  if (!lower.includes('@')) return lower
  try {
    const address = parseMailAddress(lower)
    return address.id52 === id52 ? address.alias : ''
  } catch (error) {
    if (error instanceof MailError) return ''
    throw error
  }
}

// A hash that no password matches.
const noHash = `scrypt$16384$8$5$${'A'.repeat(22)}==$${'A'.repeat(43)}=`
