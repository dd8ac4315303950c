import type { ExecutionContext } from 'ava'
import type { Host, Lab } from './lab.js'
import { FaultProgram } from './program.js'

/** Forwards datagrams between `listen` and `to`, each after `delay` ± `jitter` milliseconds. */
export interface ProxyOptions {
  listen: string
  to: string
  delay: number
  jitter: number
}

/** Runs a proxy on the router in front of a host's port. Returns the address to dial instead of the host. */
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
