import type { ExplainOptions } from '../endpoint/access-control.js'
import type { Endpoint } from '../endpoint/endpoint.js'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError, type Protocol } from '../errors.js'
import { idOfOne, type Peer, type PeerAddress } from '../keys/peer.js'
import type { SecretKey } from '../keys/secret-key.js'
import { inspectAs, printable } from '../util/display.js'
import { invalid } from '../util/validate.js'
import {
  type AccountOptions,
  type CallSettings,
  callSettings,
  type RedeemOptions,
  resolveOptions
} from './account-options.js'
import { checkData, checkProgramRules } from './check.js'
import { type Compiled, compile } from './compile.js'
import { type AccountData, type AccountDraft, type AccountRule, type Device, emptyData } from './data.js'
import { endLeases } from './end-leases.js'
import { type Explanation, explained, type Identity, identify } from './explain.js'
import {
  type Invitation,
  type InviteOptions,
  knownGroups,
  newInvitation,
  peerName,
  pruneInvitations,
  record
} from './invitations.js'
import { isName } from './names.js'
import { PresentedLeases } from './presented-leases.js'
import { redeemed, serveAccount } from './serve.js'
import type { AccountStore } from './store.js'
import { formatInvitation, hashOf, newSecret, parseInvitation } from './ticket.js'
import { Wake } from './wake.js'

/**
 * Opens an account: the peers that an endpoint knows, and their permissions. Its rules become the policy of the endpoint
 * (`endpoint.access.setPolicy`), which then accepts only streams that they allow. Serves the protocols DeviceToAccount and
 * AccountToAccount and those of invitations.
 *
 * @throws {FastnNetError} `ERR_BUSY` if the account is open elsewhere. `ERR_FILE` if it cannot be read. `ERR_PROTOCOL_IN_USE` if the
 * endpoint has an account or serves one of those protocols. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED`.
 *
 * @example
 * await using account = await openAccount(endpoint, { store: fileStore('account.json') })
 * await account.update(draft => {
 *   draft.groups.friends ??= []
 *   draft.rules = [{ who: 'friends', protocol: 'Chat', effect: 'allow' }]
 * })
 */
export async function openAccount(endpoint: Endpoint, options: AccountOptions): Promise<Account> {
  const { store, key, leaseTime } = resolveOptions(endpoint, options)
  const kept = await store.open()
  try {
    const account = accountOf(endpoint, store, key, leaseTime, checkData(kept ?? emptyData()))
    await account[start]()
    return account
  } catch (error) {
    await store.close()
    throw error
  }
}

const start = Symbol('start')

let accountOf: (
  endpoint: Endpoint,
  store: AccountStore,
  key: SecretKey | undefined,
  leaseTime: number,
  data: AccountDraft
) => Account

/** Peers that an endpoint knows, and their permissions. Opened by {@link openAccount}. */
export class Account implements AsyncDisposable {
  readonly #endpoint: Endpoint
  readonly #store: AccountStore
  readonly #key: SecretKey | undefined
  readonly #leaseTime: number
  readonly #leases = new PresentedLeases()
  readonly #wake = new Wake(() => this.#expire())
  #data: AccountDraft
  #programRules: readonly AccountRule[] = []
  #compiled: Compiled
  #listeners: readonly Listener[] = []
  /** The last change. Changes run one after the other. */
  #changes: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  private constructor(
    endpoint: Endpoint,
    store: AccountStore,
    key: SecretKey | undefined,
    leaseTime: number,
    data: AccountDraft
  ) {
    this.#endpoint = endpoint
    this.#store = store
    this.#key = key
    this.#leaseTime = leaseTime
    this.#data = data
    this.#compiled = this.#compile(data)
  }

  /** Starts. Called once, by {@link openAccount}. @internal */
  async [start](): Promise<void> {
    const expired = pruneInvitations(this.#data, Date.now())
    if (expired) await this.#store.save(this.#data)
    this.#apply(this.#compiled)
    this.#listeners = serveAccount(this.#endpoint, {
      key: this.#key,
      leaseTime: this.#leaseTime,
      leases: this.#leases,
      data: () => this.#data,
      change: change => this.#change(change),
      recompile: () => this.#apply(this.#compile(this.#data))
    })
    try {
      await Promise.all(this.#listeners.map(listener => listener.ready))
    } catch (error) {
      await Promise.all(this.#listeners.map(listener => listener.close()))
      throw error
    }
  }

  /** Data of the account. A snapshot: {@link update} changes it. */
  get data(): AccountData {
    return this.#data
  }

  /**
   * Changes the account atomically: checks the change, applies it to the endpoint, then saves it. Streams that it no longer allows end
   * before it is saved. If saving fails, the change is rolled back. Changes run one after the other.
   *
   * @param change Changes the draft, which is a copy. Synchronous. If it throws, nothing changes.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`: a name, a cycle of groups, an unknown member, or a rule that no stream can match.
   * `ERR_PEER_ADDRESS`. `ERR_TOO_LARGE`. `ERR_FILE` if it cannot be saved. `ERR_CLOSED`.
   *
   * @example
   * await account.update(draft => {
   *   draft.aliases.alice = { id52 }
   *   draft.groups.friends = ['alice']
   * })
   */
  async update(change: (draft: AccountDraft) => void): Promise<void> {
    if (typeof change !== 'function') throw invalid('change', 'a function')
    await this.#change(draft => {
      const result: unknown = change(draft)
      if (result instanceof Promise) throw invalid('change', 'a synchronous function: await before update()')
    })
  }

  /**
   * Sets rules of the program, for example of configured services. They follow the rules of the account and are not stored; the next call
   * replaces them. An unknown name matches no peer until the account knows it.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; the previous rules then stay. `ERR_PEER_ADDRESS`. `ERR_TOO_LARGE`. `ERR_CLOSED`.
   *
   * @example
   * account.setProgramRules([{ who: 'friends', protocol: 'Http', service: 'photos', effect: 'allow' }])
   */
  setProgramRules(rules: readonly AccountRule[]): void {
    if (this.#closed !== undefined) throw new FastnNetError('ERR_CLOSED', 'the account is closed')
    const before = this.#programRules
    this.#programRules = checkProgramRules(rules)
    try {
      this.#apply(this.#compile(this.#data))
    } catch (error) {
      this.#programRules = before
      throw error
    }
  }

  /**
   * Address of a peer that this account knows, for {@link Endpoint.getStream} and other calls.
   *
   * @param name An alias, or an ID52.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown alias. `ERR_PEER_ADDRESS`.
   *
   * @example
   * await endpoint.call(account.peer('alice'), 'Chat', 'hello')
   */
  peer(name: string): PeerAddress {
    if (!isName(name)) return { id52: idOfOne(name, 'name') }
    const alias = Object.hasOwn(this.#data.aliases, name) ? this.#data.aliases[name] : undefined
    if (alias !== undefined) return alias
    throw invalid('name', `an alias of this account, or an ID52; there is no '${printable(name)}'`)
  }

  /** Returns a peer's alias, its groups, and the peers that it acts for. Pass `stream.remoteId52` or `context.remoteId52`. */
  identify(peer: Peer): Identity {
    const id52 = idOfOne(peer, 'peer')
    return identify(this.#data, id52, this.#leases.of(id52, Date.now()))
  }

  /**
   * Returns the decision for a stream of a peer, and the rule that decides. Does not consume rates.
   *
   * @param peer An alias, an ID52, or another {@link Peer}.
   * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED` if the endpoint was released after closing.
   *
   * @example
   * console.log(account.explain('alice', 'Tcp', { service: 'db' }).text)
   */
  explain(peer: Peer, protocol: Protocol, options: ExplainOptions = {}): Explanation {
    const id52 = typeof peer === 'string' && isName(peer) ? this.peer(peer).id52 : idOfOne(peer, 'peer')
    const decision = this.#endpoint.access.explain(id52, protocol, options)
    return explained(decision, this.identify(id52), this.#compiled)
  }

  /**
   * Creates an invitation for one peer or several. Until it is used, revoked or expired, unknown peers may connect to this endpoint to redeem
   * invitations, but may not use any service.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_TOO_LARGE` with too many invitations. `ERR_FILE`. `ERR_CLOSED`.
   *
   * @example
   * const { text } = await account.invite({ name: 'alice', groups: ['friends'] })
   */
  async invite(options: InviteOptions): Promise<Invitation> {
    const invitation = newInvitation(options, this.#data, Date.now())
    const ticket = await this.#endpoint.ticket()
    const secret = newSecret()
    const id = hashOf(secret)
    await this.#change(draft => {
      draft.invitations[id] = invitation
    })
    const { until } = invitation
    return { text: formatInvitation({ secret, until, ticket }), id, until }
  }

  /**
   * Revokes an invitation. Peers that have redeemed it stay known. Returns whether it existed.
   *
   * @throws {FastnNetError} `ERR_FILE`. `ERR_CLOSED`.
   */
  async revokeInvitation(id: string): Promise<boolean> {
    return await this.#change(draft => {
      const isKnown = Object.hasOwn(draft.invitations, id)
      delete draft.invitations[id]
      return isKnown
    })
  }

  /**
   * Redeems an invitation: the inviting account records this endpoint, and this account records the other. Safe to repeat after a lost
   * answer, unless the inviting account has forgotten this endpoint since.
   *
   * @returns Local alias of the peer. A known peer keeps its alias.
   * @throws {FastnNetError} `ERR_UNAUTHORIZED` if the invitation is unknown, used, revoked or expired. `ERR_INVALID_ARGUMENT`. `ERR_FILE`.
   * The errors of {@link Endpoint#call}.
   *
   * @example
   * const alias = await account.redeem(text, { name: 'bob', groups: ['friends'] })
   */
  async redeem(text: string, options: RedeemOptions): Promise<string> {
    const invitation = parseInvitation(text)
    const { name, groups, ...call } = options
    const known = knownGroups(groups, this.#data)
    peerName(name, this.#data)
    const peer = await redeemed(this.#endpoint, invitation, callSettings(call))
    return await this.#change(draft => record(draft, name, peer, known))
  }

  /**
   * Adds a device, which may then get leases: see {@link holdLease}.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; also if the account was opened without its key. `ERR_PEER_ADDRESS`. `ERR_FILE`.
   *
   * @example
   * await account.addDevice(phoneId52, { name: 'phone', scope: ['Chat'] })
   */
  async addDevice(device: Peer, { name, scope = '*' }: { name: string; scope?: Device['scope'] }): Promise<void> {
    if (this.#key === undefined) throw invalid('options.key of openAccount', 'given: it signs the leases of devices')
    const id52 = idOfOne(device, 'device')
    await this.#change(draft => {
      draft.devices[id52] = { name, scope }
    })
  }

  /**
   * Removes a device: it gets no new lease, and permissions that only devices have here end immediately. Its last lease stays valid at other
   * peers until it expires; this call asks the peers in `tell` and the device to end it now.
   *
   * @param options `tell`: aliases, groups and ID52s of peers to notify. Default: none. `timeout` for each, in milliseconds. Default: 10 s.
   * @returns ID52s of the peers that could not be notified.
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`. `ERR_FILE`. `ERR_CLOSED`.
   */
  async removeDevice(device: Peer, options: CallSettings & { tell?: readonly string[] } = {}): Promise<string[]> {
    const id52 = idOfOne(device, 'device')
    const { tell = [], ...call } = options
    const settings = callSettings(call)
    await this.#change(draft => {
      delete draft.devices[id52]
    })
    return await endLeases(this.#endpoint, this.#data, id52, tell, settings)
  }

  /** Closes the account's listeners and releases its store. The endpoint keeps the policy. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** Same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#wake.end()
    await Promise.all(this.#listeners.map(listener => listener.close()))
    await this.#changes
    await this.#store.close()
  }

  /** Queues a change behind earlier ones: checks, applies and saves it. */
  #change<Result>(change: (draft: AccountDraft) => Result): Promise<Result> {
    if (this.#closed !== undefined) return Promise.reject(new FastnNetError('ERR_CLOSED', 'the account is closed'))
    const made = this.#changes.then(() => this.#make(change))
    this.#changes = made.catch(() => {})
    return made
  }

  async #make<Result>(change: (draft: AccountDraft) => Result): Promise<Result> {
    const before = this.#data
    const draft = checkData(structuredClone(before))
    const result = change(draft)
    const data = checkData(draft)
    // Before saving, so that revocation does not wait for the disk.
    this.#apply(this.#compile(data), data)
    this.#data = data
    try {
      await this.#store.save(data)
    } catch (error) {
      this.#data = before
      this.#apply(this.#compile(before))
      throw error
    }
    return result
  }

  #compile(data: AccountDraft): Compiled {
    const now = Date.now()
    const program = this.#programRules
    return compile({ data, program, leases: this.#leases.current(now), hasKey: this.#key !== undefined, now })
  }

  #apply(compiled: Compiled, data: AccountDraft = this.#data): void {
    this.#endpoint.access.setPolicy(compiled.policy)
    this.#compiled = compiled
    const expiries = Object.values(data.invitations).map(({ until }) => until)
    this.#wake.at(expiries.reduce((next, until) => Math.min(next, until), this.#leases.nextExpiry))
  }

  /** An invitation or a lease has expired. */
  #expire(): void {
    void this.#change(draft => pruneInvitations(draft, Date.now())).catch(() => {})
  }

  static {
    accountOf = (...parts) => new Account(...parts)
    inspectAs(this, self => `Account(${self.#endpoint.id52})`)
  }
}
