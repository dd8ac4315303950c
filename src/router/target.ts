import type { Peer } from '../keys/peer.js'
import type { TunnelTarget } from '../tunnel/options.js'

/**
 * Access level of a client:
 *
 * - `'local'`: a program on this machine
 * - `'self'`: a device of the same account, or a peer of `self`
 * - `'remote'`: any other peer
 */
export type AccessLevel = 'local' | 'self' | 'remote'

/** Second argument of a handler. */
export interface RouterContext {
  /** Access level of the client. */
  readonly access: AccessLevel
  /** ID52 of the peer that sent the request; `undefined` for a local client. */
  readonly peer: string | undefined
  /** Alias of the peer, or of the account that it acts for as a device. */
  readonly alias: string | undefined
  /** Groups of the peer in the account. Sorted. Empty for a local client. */
  readonly groups: readonly string[]
}

/** Answers a request. Hono's `app.fetch` and other handlers of the Fetch API have this shape. */
export type RouterHandler = (request: Request, context: RouterContext) => Response | Promise<Response>

/** An application with a `fetch` method, such as a Hono app. */
export interface FetchApplication {
  /** Answers a request. */
  fetch: RouterHandler
}

/**
 * Access to a target for peers. Local programs always have access.
 *
 * - `'public'`: every peer that the endpoint admits
 * - `'self'`: peers with the access level `self`
 * - a list: peers with the access level `self`, and peers by alias, group, or {@link Peer}
 *
 * Applies in addition to the endpoint's access lists and policy.
 */
export type RouterAllow = 'public' | 'self' | readonly Peer[]

/** Options of all targets. */
export interface TargetOptions {
  /** Peers that may use it. Others get status 403. Default: none; only local programs may use it. */
  allow?: RouterAllow | undefined
  /**
   * Allow cross-origin requests that may change data, and cross-origin WebSockets. Otherwise they get status 403, because any web site in a
   * local browser could send them. Default: false.
   */
  crossOrigin?: boolean | undefined
}

/** Answers requests with a handler. */
export interface HandlerTarget extends TargetOptions {
  /** The handler, or an application with `fetch`. */
  handler: RouterHandler | FetchApplication
  /** Maximum body of a request, in bytes; longer ones get status 413. `Infinity`: no limit. Default: 16 MiB. */
  maxBodyBytes?: number | undefined
}

/** Serves the files of a folder: see {@link folderHandler}. */
export interface FolderTarget extends TargetOptions {
  /** Path of the folder. */
  folder: string
  /** List folders without an `index.html`. Default: false. */
  listing?: boolean | undefined
  /** Serve names that begin with a dot. Default: false. */
  hidden?: boolean | undefined
}

/** Sends requests to an HTTP server. */
export interface BackendTarget extends TargetOptions {
  /** `'http://host:port'`, `'https://host'`, `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path. */
  backend: TunnelTarget
  /**
   * `Host` header for the server: `'client'`, as sent by the client; `'target'`, host and port of the server; or a host. Default: `'client'`; with `https`, `'target'`.
   */
  hostHeader?: string | undefined
  /** Certificates in PEM that are trusted instead of Node's, with `https`. Default: none. */
  certificates?: string | undefined
  /** Connect timeout in milliseconds, including the TLS handshake. Then: status 504. Default: 9 s. */
  connectTimeout?: number | undefined
  /** How long the server may neither read the request nor respond, in milliseconds. Then: status 504. Default: 60 s. */
  responseTimeout?: number | undefined
}

/** Sends requests to the HTTP service of a peer. */
export interface PeerTarget extends TargetOptions {
  /** The peer, or its alias in the account. */
  peer: Peer
  /** Name of the service, as the peer exposes it. Default: none. */
  service?: string | undefined
}

/** Target of a host. A function or an application is a {@link HandlerTarget} without other options. */
export type RouterTarget = RouterHandler | FetchApplication | HandlerTarget | FolderTarget | BackendTarget | PeerTarget
