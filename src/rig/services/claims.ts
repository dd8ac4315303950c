import { lstat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningService } from './service.js'

const lookMs = 10

/** Exclusive resources of a service. */
export interface Claiming {
  /** Resource that two services of a file must not share, such as a service name. */
  readonly unique?: string
  /** Resource that must be free before the service starts, if it differs from `unique`. */
  readonly claim?: string
}

/** The port, path or name that a service takes. */
export function claimOf({ claim, unique }: Claiming): string | undefined {
  return claim ?? unique
}

/** Resources that a running service holds. The system may have chosen its port. */
export function claimOfRunning(running: {
  readonly plan: Claiming & { readonly kind: string }
  readonly service: RunningService
}): string | undefined {
  const { plan, service } = running
  return service.port === null ? claimOf(plan) : portClaim(plan.kind === 'udp-bridge' ? 'udp' : 'tcp', service.port)
}

/** The claim of a local port. It ignores the host, because 127.0.0.1 and 0.0.0.0 exclude each other. */
export function portClaim(transport: 'tcp' | 'udp', port: number): string {
  return `${transport} port ${port}`
}

/** Waits until a stopped service has removed its Unix socket. A late removal would delete the socket of the next service. */
export async function released({ address, port }: RunningService, limitMs: number): Promise<void> {
  if (port !== null || !address.startsWith('unix:')) return
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    const isGone = await lstat(address.slice(5)).then(
      () => false,
      () => true
    )
    if (isGone) return
    await sleep(lookMs)
  }
}
