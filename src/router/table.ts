import { checkObject, invalid } from '../util/validate.js'
import { type RouterTable, reachablePeers } from './options.js'
import type { PeerNames } from './peer-names.js'
import { Refusal } from './refusal.js'
import { type Route, resolveTarget, type TargetContext } from './resolve-target.js'

/** Maximum hosts in a table. */
const maxHosts = 10_000
const hostName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?$/
const suffix = '.localhost'
/** The router's own names. */
const ownNames: ReadonlySet<string> = new Set(['localhost', 'fastn.localhost'])
const address = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/

/** A checked {@link RouterTable}. */
export class Table {
  readonly #id52: string
  readonly #routes: ReadonlyMap<string, Route>
  readonly #home: Route | undefined
  readonly #peers: NonNullable<RouterTable['peers']>

  constructor(
    id52: string,
    routes: ReadonlyMap<string, Route>,
    home: Route | undefined,
    peers: NonNullable<RouterTable['peers']>
  ) {
    this.#id52 = id52
    this.#routes = routes
    this.#home = home
    this.#peers = peers
  }

  /** All targets. */
  get routes(): Route[] {
    return [...this.#routes.values(), ...(this.#home === undefined ? [] : [this.#home])]
  }

  /** Names of the hosts. */
  get names(): string[] {
    return [...this.#routes.keys()]
  }

  get hasHome(): boolean {
    return this.#home !== undefined
  }

  /** Names of the services that peers can use. */
  get services(): string[] {
    const names = [...this.#routes].flatMap(([name, { allow }]) => (allow === undefined ? [] : [name]))
    return this.#home?.allow === undefined ? names : ['', ...names]
  }

  /** The target of a service. */
  service(name: string): Route | undefined {
    return name === '' ? this.#home : this.#routes.get(name)
  }

  /**
   * The target of a local client's host; `'own'` for the router itself.
   *
   * @throws {Refusal}
   */
  host(host: string, peers: PeerNames): Route | 'own' {
    if (ownNames.has(host) || address.test(host)) return 'own'
    const name = host.endsWith(suffix) ? host.slice(0, -suffix.length) : undefined
    const route = this.#routes.get(host) ?? (name === undefined ? undefined : this.#routes.get(name))
    if (route !== undefined) return route
    if (name !== undefined) {
      if (name === this.#id52 || name.endsWith(`.${this.#id52}`)) return this.#own(name)
      const found = peers.find(name, this.#peers)
      if (found !== undefined) return found
    }
    throw new Refusal(421, 'this router has no such host')
  }

  #own(name: string): Route {
    const service = name.slice(0, Math.max(name.length - this.#id52.length - 1, 0))
    const route = this.service(service)
    if (route === undefined) throw new Refusal(404, 'this endpoint has no service of this name')
    return route
  }
}

/**
 * Checks a table.
 *
 * @throws {FastnNetError} As {@link resolveTarget}.
 */
export async function resolveTable({ hosts, home, peers }: RouterTable, context: TargetContext): Promise<Table> {
  const given = hosts === undefined ? [] : Object.entries(checkObject(hosts, 'options.hosts', 'an object of targets'))
  if (given.length > maxHosts) throw invalid('options.hosts', `an object of at most ${maxHosts} targets`)
  const reach = reachablePeers(peers)
  const routes = new Map<string, Route>()
  for (const [name, target] of given) {
    const path = `options.hosts.${name}`
    if (!hostName.test(name))
      throw invalid(path, "a host such as 'shop' or 'shop.example': lower-case letters, digits, '-', '_' and '.'")
    if (ownNames.has(name) || name === 'fastn' || name.endsWith(suffix) || address.test(name))
      throw invalid(path, "another name: it is the router's own, or has 'localhost' in it already")
    routes.set(name, await resolveTarget(target, path, context))
  }
  const homeRoute = home === undefined ? undefined : await resolveTarget(home, 'options.home', context)
  return new Table(context.endpoint.id52, routes, homeRoute, reach)
}
