import type { Account } from '../../account/account.js'
import type { Endpoint } from '../../endpoint/endpoint.js'
import type { Tunnel } from '../../tunnel/tunnel.js'
import type { LoggedRequest } from './request-log.js'

/** A running service: an exposed one or a bridge. */
export interface RunningService {
  /** Its local address, or the exposed target. */
  readonly address: string
  /** Local port; `null` if there is none. */
  readonly port: number | null
  /** Connections, flows or requests in progress. */
  readonly connections: number
  /** Recent requests, latest first. For HTTP only. */
  readonly requests?: () => readonly LoggedRequest[]
  /** Mails in the queue. Of mail only. */
  readonly queued?: number
  /** Mails that wait for their peers, the oldest first, as `Mail.queue` of `fastn-mail` has them. Of mail only. */
  readonly queue?: () => readonly unknown[]
  /** Resolves when it has ended. */
  readonly closed: Promise<void>
  /** Closes it. Work in progress gets the timeout, in milliseconds. */
  close(options: { readonly timeout: number }): Promise<void>
}

/** Starts a service on an endpoint, with the account of a rig's identity. The signal ends it. */
export type StartService = (endpoint: Endpoint, signal: AbortSignal, account?: Account) => Promise<RunningService>

/** Wraps a tunnel as a service. `target`: the exposed target. */
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
