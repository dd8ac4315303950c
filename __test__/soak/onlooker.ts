import type { Endpoint, PeerInfo } from 'fastn-net'
import { pause } from './child.js'

/** Watches an endpoint's peers to its end, and notes how they stand. */
export class Onlooker {
  readonly #endpoint: Endpoint
  readonly #believed = new Map<string, string>()
  /** It has seen the end. */
  readonly done: Promise<void>

  /** It rests for up to `slowness` milliseconds after each peer that it gets. */
  constructor(endpoint: Endpoint, slowness: number) {
    this.#endpoint = endpoint
    this.done = this.#look(slowness)
  }

  /** What it was told last and is not so, or was not told. While peers change some of that is on its way: later there is nothing. */
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

/** What is a change of it: state and connections. */
function sum({ state, connections }: PeerInfo): string {
  return `${state}, ${connections.length} connections`
}
