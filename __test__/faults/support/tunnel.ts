import type { ExecutionContext } from 'ava'
import { type PeerAddress, SecretKey } from 'fastn-net'
import { type Host, Lab } from './lab.js'
import { before, FaultProgram } from './program.js'

/** Options of `programs/tunnelling`. */
export interface TunnelOptions {
  secretKey: string
  bind: string
}

/** Result of a client's download through a bridge. */
export interface Download {
  readonly received: number
  /** Whether these are the first bytes that the service sends. */
  readonly isPrefix: boolean
  /** `'end'`, or the code of the socket's error. */
  readonly end: string
  /** When it ended: milliseconds since the epoch. */
  readonly at: number
}

export interface TunnelCommands {
  /** Exposes a service that sends the requested number of bytes and ends. */
  expose: { given: null; answer: null }
  /** Outcomes of the service's connections. Waits for all of them. */
  ends: { given: null; answer: string[] }
  /** Downloads bytes from the peer's service, through a bridge. */
  download: { given: { peer: PeerAddress; bytes: number }; answer: Download }
  close: { given: null; answer: null }
}

/** Two hosts, with a service at `far` that `near` reaches through a tunnel. */
export interface TunnelWorld {
  readonly near: FaultProgram<TunnelCommands>
  readonly far: FaultProgram<TunnelCommands>
  readonly farHost: Host
  readonly toFar: PeerAddress
}

/** Starts both sides. The link of `far` carries a megabyte a second. */
export async function tunnelWorld(t: ExecutionContext): Promise<TunnelWorld> {
  const lab = new Lab(t)
  const [nearHost, farHost] = [lab.host('near'), lab.host('far')]
  farHost.throttle(8_000)
  const key = SecretKey.generate()
  const start = async (host: Host, secretKey: SecretKey) => {
    const options: TunnelOptions = { secretKey: secretKey.toHex(), bind: `${host.address}:4433` }
    const program = new FaultProgram<TunnelCommands>(t, host.namespace, 'tunnelling', options)
    await before(program.ready, 60_000, 'a side of the tunnel did not start')
    return program
  }
  const [near, far] = await Promise.all([start(nearHost, SecretKey.generate()), start(farHost, key)])
  await far.ask('expose', null)
  return { near, far, farHost, toFar: { id52: key.id52, addresses: [`${farHost.address}:4433`] } }
}
