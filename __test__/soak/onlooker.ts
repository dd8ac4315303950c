import type { Endpoint, PeerInfo } from 'fastn-net'
import { pause } from './child.js'

/** Watches an endpoint's peers until it closes, and records their latest state. */
export class Onlooker {
  readonly #endpoint: Endpoint
  readonly #believed = new Map<string, string>()
  /** Resolves at the end of the watch. */
  readonly done: Promise<void>

  /** Pauses for up to `slowness` milliseconds after each peer. */
  constructor(endpoint: Endpoint, slowness: number) {
    this.#endpoint = endpoint
    this.done = this.#look(slowness)
  }

  /** Peers whose recorded state is stale or missing. While peers change, some updates are in flight; afterwards there must be none. */
  get wrong(): string[] {
    const left = new Map(this.#believed)
    const wrong: string[] = []
    for (const peer of this.#endpoint.peers()) {
      const [so, believed] = [sum(peer), left.get(peer.id52) ?? 'unknown']
      left.delete(peer.id52)
      if (so !== believed) wrong.push(`${believed} is ${so}`)
    }
    for (const believed of left.values()) wrong.push(`${believed} is gone`)
    return wrong
  }

  async #look(slowness: number): Promise<void> {
    for await (const peer of this.#endpoint.watch()) {
      if (peer.tracked) this.#believed.set(peer.id52, sum(peer))
      else this.#believed.delete(peer.id52)
      if (slowness > 0) await pause(slowness * Math.random())
    }
  }
}

/** The parts of a peer whose change is reported: state and connections. */
function sum({ state, connections }: PeerInfo): string {
  return `${state}, ${connections.length} connections`
}
