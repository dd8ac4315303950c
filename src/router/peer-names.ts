import { domainToASCII } from 'node:url'
import type { Endpoint } from '../endpoint/endpoint.js'
import { idOfOne, type Peer } from '../keys/peer.js'
import { BoundedMap } from '../util/bounded-map.js'
import type { RouterAccount, RouterTable } from './options.js'
import type { Route } from './resolve-target.js'
import { PeerService } from './targets/peer.js'

/** Maximum peer services with idle streams. */
const maxServices = 1_024

/** Resolves hosts to peers and their services. */
export class PeerNames {
  readonly #endpoint: Endpoint
  readonly #account: RouterAccount | undefined
  readonly #services = new BoundedMap<
    string,
    { readonly peer: Peer; readonly route: Route; readonly service: PeerService }
  >(maxServices, ({ service }) => service.close())
  #aliases:
    | { readonly data: object; readonly byHost: Map<string, string>; readonly byId: Map<string, string> }
    | undefined

  constructor(endpoint: Endpoint, account: RouterAccount | undefined) {
    this.#endpoint = endpoint
    this.#account = account
  }

  /** The service for a name below `localhost`. */
  find(name: string, reach: NonNullable<RouterTable['peers']>): Route | undefined {
    if (reach === 'none') return undefined
    const { service, last } = split(name)
    if (last.length === 52) {
      const alias = this.#names().byId.get(last)
      if (alias !== undefined) return this.#service(this.#addressOf(alias), last, service)
      if (reach === 'known' || !isId52(last)) return undefined
      return this.#service(last, last, service)
    }
    // Aliases may contain dots.
    const labels = name.split('.')
    for (let at = 0; at < labels.length; at++) {
      const alias = this.#names().byHost.get(labels.slice(at).join('.'))
      if (alias === undefined) continue
      const peer = this.#addressOf(alias)
      return this.#service(peer, idOfOne(peer, 'peer'), labels.slice(0, at).join('.'))
    }
    return undefined
  }

  /** Closes the idle streams. */
  close(): void {
    this.#services.clear()
  }

  #service(peer: Peer, id52: string, name: string): Route | undefined {
    // Longer names cannot be services: see `httpProtocol`.
    if (name.length > 255) return undefined
    const key = `${id52} ${name}`
    const known = this.#services.get(key)
    if (known?.peer === peer) return known.route
    const service = new PeerService(this.#endpoint, peer, id52, name)
    const route = { target: service, allow: undefined, allowsCrossOrigin: false }
    this.#services.set(key, { peer, route, service })
    return route
  }

  #addressOf(alias: string): Peer {
    return (this.#account as RouterAccount).peer(alias)
  }

  #names(): { readonly byHost: Map<string, string>; readonly byId: Map<string, string> } {
    const data = this.#account?.data
    if (data === undefined) return none
    if (this.#aliases?.data === data) return this.#aliases
    const byHost = new Map<string, string>()
    const byId = new Map<string, string>()
    for (const [name, { id52 }] of Object.entries(data.aliases)) {
      const host = asHost(name)
      // Prefer an exact match over one that differs in case.
      if (host !== '' && !byHost.has(host)) byHost.set(host, name)
      if (!byId.has(id52)) byId.set(id52, name)
    }
    this.#aliases = { data, byHost, byId }
    return this.#aliases
  }
}

const none = { byHost: new Map<string, string>(), byId: new Map<string, string>() }

/** An alias in the form that browsers send in Host. */
function asHost(alias: string): string {
  return /^[a-z0-9._-]+$/i.test(alias) ? alias.toLowerCase() : domainToASCII(alias)
}

function split(name: string): { readonly service: string; readonly last: string } {
  const dot = name.lastIndexOf('.')
  return { service: name.slice(0, Math.max(dot, 0)), last: name.slice(dot + 1) }
}

function isId52(text: string): boolean {
  try {
    return idOfOne(text, 'host') === text
  } catch {
    return false
  }
}
