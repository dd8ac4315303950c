import { lstat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningService } from './service.js'

const lookMs = 10

/** Exclusive resources of a service. */
export interface Claiming {
  /** Resource that two services of a file must not share, such as a service name. */
  readonly unique?: string
  /** Resources that must be free before the service starts, if they differ from `unique`. */
  readonly claims?: readonly string[]
}

/** The ports, paths and names that a service takes. */
export function claimsOf({ claims, unique }: Claiming): readonly string[] {
  return claims ?? (unique === undefined ? [] : [unique])
}

/** Resources that a running service holds. The system may have chosen its port. */
export function claimsOfRunning(running: {
  readonly plan: Claiming & { readonly kind: string }
  readonly service: RunningService
}): readonly string[] {
  const { plan, service } = running
  return service.port === null ? claimsOf(plan) : [portClaim(plan.kind === 'udp-bridge' ? 'udp' : 'tcp', service.port)]
}

/** The claim of a local port. It ignores the host, because 127.0.0.1 and 0.0.0.0 exclude each other. */
export function portClaim(transport: 'tcp' | 'udp', port: number): string {
  return `${transport} port ${port}`
}

/** The claim of a service for peers. `kind` is `'an HTTP service'`, for example. */
export function serviceClaim(kind: string, service: string | undefined): string {
  return `${kind} ${service === undefined ? 'without a name' : `of the name '${service}'`}`
}

/** The same, where names are per identity. */
export function claimOfIdentity(claim: string, identity: string): string {
  return `${claim} of ${identity}`
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
