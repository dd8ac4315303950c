import type { ExecutionContext } from 'ava'
import type { PeerAddress } from 'fastn-net'
import type { RawCommands, RawOptions } from './commands.js'
import type { Host } from './lab.js'
import { before, FaultProgram } from './program.js'

/** A third-party peer on a host. */
export interface FaultRaw {
  readonly address: PeerAddress
  readonly program: FaultProgram<RawCommands>
}

export async function startRaw(t: ExecutionContext, host: Host): Promise<FaultRaw> {
  const options: RawOptions = { bind: `${host.address}:4433` }
  const program = new FaultProgram<RawCommands>(t, host.namespace, 'raw', options)
  const id52 = (await before(program.ready, 60_000, 'the raw peer did not start')) as string
  return { address: { id52, addresses: [options.bind] }, program }
}
