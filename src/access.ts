import type { EndpointState } from './bridge/endpoint-state.js'
import { lastFailure } from './bridge/failure.js'
import { checkOptions, type OptionNames } from './bridge/option-names.js'
import { FAILED, native } from './native.js'
import { idsOf, type Peer } from './peer.js'

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
 * A peer that may no longer is disconnected at once, and gets `ERR_UNAUTHORIZED`. Its queued streams reach no handler and no loop. The lists say nothing about whom this endpoint
 * dials. Of a peer only the key counts, not its addresses.
 *
 * @example
 * endpoint.access.deny(stream.remoteId52)
 */
export class Access {
  readonly #endpoint: EndpointState

  private constructor(endpoint: EndpointState) {
    this.#endpoint = endpoint
  }

  /** @internal */
  static of(endpoint: EndpointState): Access {
    return new Access(endpoint)
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
    this.#done(native().endpointAccessDeny(this.#endpoint.handle, idsOf(peers, 'peers')))
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
    this.#done(native().endpointAccessSet(this.#endpoint.handle, { allow: allow && [...allow], deny: [...deny] }))
  }

  /** The lists as they are: a copy. */
  get lists(): AccessLists {
    const lists = native().endpointAccess(this.#endpoint.handle)
    if (lists === null) throw lastFailure({ phase: 'access' })
    return lists
  }

  #done(answer: number): void {
    if (answer === FAILED) throw lastFailure({ phase: 'access' })
    this.#endpoint.accessChanges++
  }
}
