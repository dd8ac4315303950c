import type { Endpoint, PeerInfo } from 'fastn-net'
import { pause } from './child.js'

/** Watches an endpoint's peers until it closes, and records their latest state. */
export class PeerWatcher {
  readonly #endpoint: Endpoint
  readonly #latest = new Map<string, string>()
  /** Resolves at the end of the watch. */
  readonly done: Promise<void>

  /** Pauses for up to `slowness` milliseconds after each peer. */
  constructor(endpoint: Endpoint, slowness: number) {
    this.#endpoint = endpoint
    this.done = this.#watch(slowness)
  }

  /** Peers whose recorded state is stale or missing. While peers change, some updates are in flight; afterwards there must be none. */
  get stale(): string[] {
    const left = new Map(this.#latest)
    const stale: string[] = []
    for (const peer of this.#endpoint.peers()) {
      const [actual, recorded] = [summary(peer), left.get(peer.id52) ?? 'unknown']
      left.delete(peer.id52)
      if (actual !== recorded) stale.push(`${recorded} is ${actual}`)
    }
    for (const recorded of left.values()) stale.push(`${recorded} is gone`)
    return stale
  }

  async #watch(slowness: number): Promise<void> {
    for await (const peer of this.#endpoint.watch()) {
      if (peer.tracked) this.#latest.set(peer.id52, summary(peer))
      else this.#latest.delete(peer.id52)
      if (slowness > 0) await pause(slowness * Math.random())
    }
  }
}

/** The parts of a peer whose change is reported: state and connections. */
function summary({ state, connections }: PeerInfo): string {
  return `${state}, ${connections.length} connections`
}
