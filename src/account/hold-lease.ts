import type { Endpoint } from '../endpoint/endpoint.js'
import type { Listener } from '../endpoint/listener.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { idOfOne, type Peer } from '../keys/peer.js'
import type { RequestContext } from '../rpc/request-context.js'
import { BoundedMap } from '../util/bounded-map.js'
import { type CallSettings, callSettings } from './account-options.js'
import { isCurrent, type Lease, verifyLease } from './lease.js'
import { accountProtocols } from './protocols.js'
import { Wake } from './wake.js'

/** How long to wait after a failed renewal, in milliseconds. */
const retryDelay = 30_000

/** Peers whose copy of the lease is remembered. */
const maxShown = 1_024

/**
 * Gets a lease from an account, for this endpoint as its device, and renews it after half of its validity. Serves AccountToDevice, through
 * which the account ends it; a policy of this endpoint must allow the account to use that. Does not keep the process alive.
 *
 * @throws {FastnNetError} `ERR_UNAUTHORIZED` if this endpoint is not a device of the account. `ERR_PROTOCOL_IN_USE` if this endpoint already
 * holds a lease. The errors of {@link Endpoint#call}.
 *
 * @example
 * await using lease = await holdLease(endpoint, accountTicket)
 * const answer = await lease.use(bob, () => endpoint.call(bob, 'Chat', 'hello'))
 */
export async function holdLease(endpoint: Endpoint, account: Peer, options: CallSettings = {}): Promise<HeldLease> {
  const settings = callSettings(options)
  const lease = await fetchLease(endpoint, account, settings)
  const held = heldOf(endpoint, account, lease)
  try {
    await held[ready]()
    return held
  } catch (error) {
    await held.close()
    throw error
  }
}

async function fetchLease(
  endpoint: Endpoint,
  account: Peer,
  settings: { timeout?: number; signal?: AbortSignal | undefined }
): Promise<Lease> {
  let answer: Lease
  try {
    answer = await endpoint.call<Lease>(account, accountProtocols.lease, {}, { ...settings, idempotent: true })
  } catch (error) {
    if (!isFastnNetError(error, 'ERR_REMOTE') || error.remoteCode !== 'ERR_UNAUTHORIZED') throw error
    const message = 'this endpoint is not a device of the account: add it there with account.addDevice()'
    throw new FastnNetError('ERR_UNAUTHORIZED', message, { peer: error.peer, cause: error })
  }
  const lease = verifyLease(answer)
  if (lease.device === endpoint.id52 && lease.account === idOfOne(account, 'account')) return lease
  throw new FastnNetError('ERR_UNAUTHORIZED', 'the account sent a lease for another device or account')
}

const ready = Symbol('ready')

let heldOf: (endpoint: Endpoint, account: Peer, lease: Lease) => HeldLease

/** A lease that this endpoint holds as a device of an account. Made by {@link holdLease}. */
export class HeldLease implements AsyncDisposable {
  readonly #endpoint: Endpoint
  readonly #account: Peer
  readonly #listener: Listener
  readonly #wake = new Wake(() => void this.#renew())
  /** Signature of the lease that was presented to each peer. */
  readonly #shown = new BoundedMap<string, string>(maxShown)
  #lease: Lease | undefined

  private constructor(endpoint: Endpoint, account: Peer, lease: Lease) {
    this.#endpoint = endpoint
    this.#account = account
    this.#lease = lease
    this.#listener = endpoint.serve(accountProtocols.end, (_: unknown, context) => this.#ended(context), {
      onError: () => {}
    })
    this.#schedule(lease)
  }

  /** @internal */
  async [ready](): Promise<void> {
    await this.#listener.ready
  }

  /** The lease; `undefined` once the account has ended it, or if it expired because the account was unreachable. */
  get current(): Lease | undefined {
    return this.#lease !== undefined && isCurrent(this.#lease, Date.now()) ? this.#lease : undefined
  }

  /**
   * Presents the lease to a peer. The device then has the account's permissions there, limited by the scope. {@link use} does this when
   * needed.
   *
   * @throws {FastnNetError} `ERR_UNAUTHORIZED` without a valid lease, or if the peer does not know the account. The errors of
   * {@link Endpoint#call}.
   */
  async present(peer: Peer, options: CallSettings = {}): Promise<void> {
    const settings = callSettings(options)
    const id52 = idOfOne(peer, 'peer')
    const lease = this.current
    if (lease === undefined) throw new FastnNetError('ERR_UNAUTHORIZED', 'the lease has ended', { peer: id52 })
    try {
      await this.#endpoint.call(peer, accountProtocols.present, { lease }, { ...settings, idempotent: true })
    } catch (error) {
      if (!isFastnNetError(error, 'ERR_REMOTE') || error.remoteCode !== 'ERR_UNAUTHORIZED') throw error
      throw new FastnNetError('ERR_UNAUTHORIZED', error.message, { peer: id52, cause: error })
    }
    this.#shown.set(id52, lease.signature)
  }

  /**
   * Calls a function that uses a peer, after presenting the lease to that peer if needed. If the function fails with `ERR_UNAUTHORIZED`,
   * because the peer has restarted and lost the lease, presents it again and repeats the call once.
   *
   * @throws {FastnNetError} Those of {@link present}, and errors of the function.
   */
  async use<Result>(peer: Peer, call: () => Promise<Result>, options: CallSettings = {}): Promise<Result> {
    const id52 = idOfOne(peer, 'peer')
    const wasShown = this.#lease !== undefined && this.#shown.get(id52) === this.#lease.signature
    if (!wasShown) await this.present(peer, options)
    try {
      return await call()
    } catch (error) {
      if (!wasShown || !isFastnNetError(error, 'ERR_UNAUTHORIZED')) throw error
      await this.present(peer, options)
      return await call()
    }
  }

  /** Stops renewing. The lease stays valid at the peers that have it, until it expires. */
  async close(): Promise<void> {
    this.#wake.end()
    await this.#listener.close()
  }

  /** Same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #schedule({ from, until }: Lease): void {
    this.#wake.at(((from + until) / 2) * 1_000)
  }

  async #renew(): Promise<void> {
    try {
      this.#lease = await fetchLease(this.#endpoint, this.#account, {})
      this.#schedule(this.#lease)
    } catch (error) {
      if (isFastnNetError(error, 'ERR_UNAUTHORIZED')) this.#lease = undefined
      if (!isFastnNetError(error, 'ERR_CLOSED')) this.#wake.at(Date.now() + retryDelay)
    }
  }

  #ended({ remoteId52 }: RequestContext): { status: string } {
    if (remoteId52 !== idOfOne(this.#account, 'account'))
      throw new FastnNetError('ERR_UNAUTHORIZED', 'this is not the account of the device')
    this.#lease = undefined
    return { status: 'ended' }
  }

  static {
    heldOf = (endpoint, account, lease) => new HeldLease(endpoint, account, lease)
  }
}
