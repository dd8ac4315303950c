import type { Account } from '../../account/account.js'
import type { Endpoint } from '../../endpoint/endpoint.js'
import type { Tunnel } from '../../tunnel/tunnel.js'
import type { LoggedRequest } from './request-log.js'

/** A service that runs: an exposed one, or a bridge. */
export interface RunningService {
  /** Its local address, or the service that it exposes. */
  readonly address: string
  /** Local port on which it listens; `null` if there is none. */
  readonly port: number | null
  /** Connections, flows or requests in progress. */
  readonly connections: number
  /** The last requests, the latest first. Of HTTP only. */
  readonly requests?: () => readonly LoggedRequest[]
  /** Mails that wait for their peers, the oldest first, as `Mail.queue` of `fastn-mail` has them. Of mail only. */
  readonly queue?: () => readonly unknown[]
  /** Resolves when it has ended. */
  readonly closed: Promise<void>
  /** Ends it. What is in progress has the timeout, in milliseconds. */
  close(options: { readonly timeout: number }): Promise<void>
}

/** Starts a service on an endpoint, which has this account if it belongs to a rig. The signal ends it. */
export type StartService = (endpoint: Endpoint, signal: AbortSignal, account?: Account) => Promise<RunningService>

/** A tunnel as a service. `target` is what an exposed one exposes. */
export function tunnelService(tunnel: Tunnel, target?: string): RunningService {
  return {
    address: tunnel.address ?? target ?? '',
    port: tunnel.port,
    get connections() {
      return tunnel.connections
    },
    closed: tunnel.closed,
    close: options => tunnel.close(options)
  }
}
