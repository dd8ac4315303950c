import type { ExecutionContext } from 'ava'
import { type EndpointOptions, type PeerAddress, SecretKey } from 'fastn-net'
import type { Load, Once, PeerCommands, PeerOptions, RecordedRequest, Usage } from './commands.js'
import type { Host } from './lab.js'
import { before, type Ended, FaultProgram } from './program.js'

/** Options of a peer process. */
export interface PeerPlace {
  name: string
  host: Host
  folder: string
  /** Default: 4433. */
  port?: number
  /** Default: a new one. */
  secretKey?: SecretKey
  /** Address to bind. Default: the host's. */
  bind?: string
  endpoint?: EndpointOptions
}

/** A peer in its own process, which can be killed and restarted with its key and port. */
export class FaultPeer {
  readonly #t: ExecutionContext
  readonly #place: PeerPlace & { port: number; secretKey: SecretKey }
  readonly ledger: string
  #program!: FaultProgram<PeerCommands>
  #lives = 0

  private constructor(t: ExecutionContext, place: PeerPlace) {
    this.#t = t
    this.#place = { port: 4433, secretKey: SecretKey.generate(), ...place }
    this.ledger = `${place.folder}/${place.name}`
  }

  static async start(t: ExecutionContext, place: PeerPlace): Promise<FaultPeer> {
    const peer = new FaultPeer(t, place)
    await peer.restart()
    return peer
  }

  get name(): string {
    return this.#place.name
  }

  /** Address to dial. */
  get address(): PeerAddress {
    return this.at(`${this.#place.host.address}:${this.#place.port}`)
  }

  /** The peer at other addresses. */
  at(...addresses: string[]): PeerAddress {
    return { id52: this.#place.secretKey.id52, addresses }
  }

  /** Starts the process, also after `kill`. */
  async restart(): Promise<void> {
    const { name, host, port, secretKey, bind = host.address, endpoint = {} } = this.#place
    const options: PeerOptions = {
      name: `${name}-${++this.#lives}`,
      secretKey: secretKey.toHex(),
      bind: `${bind}:${port}`,
      ledger: this.ledger,
      endpoint
    }
    this.#program = new FaultProgram(this.#t, host.namespace, 'peer', options)
    await before(this.#program.ready, 60_000, `${name} did not start`)
  }

  /** Kills the process with SIGKILL: no peer is notified. */
  async kill(): Promise<void> {
    this.#program.signal('SIGKILL')
    await this.#program.ended
  }

  pause(): void {
    this.#program.signal('SIGSTOP')
  }

  resume(): void {
    this.#program.signal('SIGCONT')
  }

  async load(load: Load): Promise<void> {
    await this.#program.ask('load', load)
  }

  /** Waits for the complete answer of a request of this load that starts now. Returns the milliseconds. */
  progress(name: string, limit: number): Promise<number> {
    return this.#program.ask('progress', { name }, limit)
  }

  collect(name: string): Promise<RecordedRequest[]> {
    return this.#program.ask('collect', { name })
  }

  once(once: Once): Promise<RecordedRequest> {
    return this.#program.ask('once', once, 180_000)
  }

  ping(peer: PeerAddress): Promise<number> {
    return this.#program.ask('ping', { peer })
  }

  /** Resources of the process, with the streams of its connections to these peers. */
  usage(...peers: PeerAddress[]): Promise<Usage> {
    return this.#program.ask('usage', { peers })
  }

  shutdown(timeout = 3000): Promise<PeerCommands['shutdown']['answer']> {
    return this.#program.ask('shutdown', { timeout })
  }

  end(): Promise<Ended> {
    return this.#program.end()
  }
}
