import { idsOf, type Peer } from '../keys/peer.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { outcomeOf } from '../native/operations.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { type CancelOptions, signalOf } from '../types.js'
import { checkConstructor, internal } from '../util/illegal-constructor.js'
import { checkOptions, type OptionNames, throwIfAborted } from '../util/validate.js'

/** @internal */
export let accessOf: (endpoint: EndpointState) => Access

/** Who may connect: ID52s, in no order. */
export interface AccessLists {
  /** Only these; `null`: everyone. */
  readonly allow: readonly string[] | null
  /** Not these, even if `allow` has them. */
  readonly deny: readonly string[]
}

const listNames: OptionNames<AccessLists> = { allow: true, deny: true }

/**
 * Who may connect to an endpoint and use what it listens for, as data that can change at any time. It is looked up before
 * {@link Authorize} is asked, and without it: a peer that is kept out costs a handshake and nothing else.
 *
 * A peer that may no longer is disconnected at once, and gets `ERR_UNAUTHORIZED`. Its queued streams reach no handler and no loop.
 * The lists say nothing about whom this endpoint dials. Of a peer only the key counts, not its addresses.
 *
 * @example
 * endpoint.access.deny(stream.remoteId52)
 */
export class Access {
  readonly #endpoint: EndpointState

  private constructor(key: typeof internal, endpoint: EndpointState) {
    checkConstructor(key, 'endpoint.access')
    this.#endpoint = endpoint
  }

  /**
   * Lets peers in: takes them off the denied, and adds them to the allowed where there is such a list.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for what is no peer. Nothing was changed then.
   */
  allow(peers: Peer | readonly Peer[]): void {
    this.#done(native().endpointAccessAllow(this.#endpoint.handle, idsOf(peers, 'peers')))
  }

  /**
   * Keeps peers out, and disconnects those that are connected.
   *
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for what is no peer. Nothing was changed then.
   */
  deny(peers: Peer | readonly Peer[]): void {
    const ids = idsOf(peers, 'peers')
    this.#endpoint.putBackPrefetched()
    this.#done(native().endpointAccessDeny(this.#endpoint.handle, ids))
  }

  /**
   * Says anew who may. What is not given stays as it is.
   *
   * @param lists `allow`: only these, `null` for everyone; `deny`: not these.
   * @throws {FastnNetError} `ERR_PEER_ADDRESS` for what is no peer. Nothing was changed then.
   */
  set(lists: { allow?: readonly Peer[] | null | undefined; deny?: readonly Peer[] | undefined }): void {
    const { allow: allowed, deny: denied } = checkOptions(lists, listNames, 'lists', '{ allow, deny }')
    const now = this.lists
    const allow = allowed === undefined ? now.allow : allowed === null ? null : idsOf(allowed, 'lists.allow')
    const deny = denied === undefined ? now.deny : idsOf(denied, 'lists.deny')
    this.#endpoint.putBackPrefetched()
    this.#done(native().endpointAccessSet(this.#endpoint.handle, { allow: allow && [...allow], deny: [...deny] }))
  }

  /** The lists as they are: a copy. */
  get lists(): AccessLists {
    const lists = native().endpointAccess(this.#endpoint.handle)
    if (lists === null) throw lastFailure({ phase: 'access' })
    return lists
  }

  /**
   * Asks {@link Authorize} again: call it when its answers have changed. `peer` is asked about each connection that a peer made, and
   * about one that this side made if `peer` let its peer in before; then `stream` about each stream that waits for a handler or a
   * loop. Does nothing without `authorize`.
   *
   * A refused peer is disconnected and gets `ERR_UNAUTHORIZED`. A refused stream fails with `ERR_UNAUTHORIZED` at the peer, or with
   * `ERR_STREAM_RESET` (code 0) if it was acknowledged before. Streams that a handler or a loop has are not asked about. From the call
   * on, no stream that an earlier answer let in is handed out: it waits for the new answer. Answers that are still to come from
   * before the call are asked for again.
   *
   * Resolves when every question has its answer. A question that finds no room within {@link Authorize.maxPending} waits for it, as long
   * as for an answer, and refuses then. Keeps the process alive until then.
   *
   * @param options `signal`: ends the wait and rejects with its reason; the asking goes on.
   * @throws {FastnNetError} `ERR_CLOSED`, `ERR_INVALID_ARGUMENT`.
   *
   * @example
   * await database.revoke(id52)
   * await endpoint.access.reauthorize()
   */
  async reauthorize(options: CancelOptions = {}): Promise<void> {
    const signal = signalOf(options)
    throwIfAborted(signal)
    this.#endpoint.putBackPrefetched()
    await outcomeOf(native().endpointReauthorize(this.#endpoint.handle), { phase: 'access' }, signal)
  }

  #done(answer: number): void {
    if (answer === FAILED) throw lastFailure({ phase: 'access' })
  }

  static {
    accessOf = endpoint => new Access(internal, endpoint)
  }
}
