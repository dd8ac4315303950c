import type { ExecutionContext } from 'ava'
import type { Host, Lab } from './lab.js'
import { FaultProgram } from './program.js'

/** Datagrams to `listen` go on to `to`, and back, each after `delay` milliseconds, `jitter` more or less. */
export interface ProxyOptions {
  listen: string
  to: string
  delay: number
  jitter: number
}

/** Puts a proxy on the router in front of a host's port. Gives the address to dial in the host's place. */
export async function proxy(
  t: ExecutionContext,
  lab: Lab,
  host: Host,
  port: number,
  hold: Pick<ProxyOptions, 'delay' | 'jitter'>
): Promise<string> {
  const listen = `${host.gateway}:${port}`
  const program = new FaultProgram<object>(t, lab.router, 'proxy', { listen, to: `${host.address}:${port}`, ...hold })
  await program.ready
  return listen
}
