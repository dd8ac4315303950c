// Generated from src/router/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { Endpoint } from './index.js';
import { Peer, PeerAddress, Peers } from './index.js';
import { CancelOptions, TimeoutOptions } from './index.js';
import { TunnelTarget } from './index.js';

/** Options of {@link folderHandler}. */
interface FolderOptions {
    /** List folders without an `index.html`. Default: false. */
    listing?: boolean | undefined;
    /** Serve names that begin with a dot. Default: false. */
    hidden?: boolean | undefined;
}
/** Serves the files of a folder. A handler for a router and for `endpoint.serveHttp`. */
interface ServedFolder {
    (request: Request, context: {
        readonly peer?: string | undefined;
    }): Promise<Response>;
    /** Requests in progress. */
    readonly requests: number;
    /** Aborts files in progress: their bodies fail with the reason. */
    cut(reason: Error): void;
}
/**
 * Creates a handler that serves the files of a folder.
 *
 * - GET and HEAD. A folder URL returns `index.html`, else with `listing` a listing, else status 404.
 * - `ETag`, `Last-Modified` and conditional requests; one range of bytes.
 * - Follows no links, and serves nothing outside the folder, even if files are renamed meanwhile.
 * - At most 512 concurrent requests, 64 per peer: others get status 503.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also if the folder does not exist.
 *
 * @example
 * endpoint.serveHttp(await folderHandler('site'))
 */
declare function folderHandler(path: string, options?: FolderOptions): Promise<ServedFolder>;

/**
 * Access level of a client:
 *
 * - `'local'`: a program on this machine
 * - `'self'`: a device of the same account, or a peer of `self`
 * - `'remote'`: any other peer
 */
type AccessLevel = 'local' | 'self' | 'remote';
/** Second argument of a handler. */
interface RouterContext {
    /** Access level of the client. */
    readonly access: AccessLevel;
    /** ID52 of the peer that sent the request; `undefined` for a local client. */
    readonly peer: string | undefined;
    /** Alias of the peer, or of the account that it acts for as a device. */
    readonly alias: string | undefined;
    /** Groups of the peer in the account. Sorted. Empty for a local client. */
    readonly groups: readonly string[];
}
/** Answers a request. Hono's `app.fetch` and other handlers of the Fetch API have this shape. */
type RouterHandler = (request: Request, context: RouterContext) => Response | Promise<Response>;
/** An application with a `fetch` method, such as a Hono app. */
interface FetchApplication {
    /** Answers a request. */
    fetch: RouterHandler;
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
type RouterAllow = 'public' | 'self' | readonly Peer[];
/** Options of all targets. */
interface TargetOptions {
    /** Peers that may use it. Others get status 403. Default: none; only local programs may use it. */
    allow?: RouterAllow | undefined;
    /**
     * Allow cross-origin requests that may change data, and cross-origin WebSockets. Otherwise they get status 403, because any web site in a
     * local browser could send them. Default: false.
     */
    crossOrigin?: boolean | undefined;
}
/** Answers requests with a handler. */
interface HandlerTarget extends TargetOptions {
    /** The handler, or an application with `fetch`. */
    handler: RouterHandler | FetchApplication;
    /** Maximum body of a request, in bytes; longer ones get status 413. `Infinity`: no limit. Default: 16 MiB. */
    maxBodyBytes?: number | undefined;
}
/** Serves the files of a folder: see {@link folderHandler}. */
interface FolderTarget extends TargetOptions {
    /** Path of the folder. */
    folder: string;
    /** List folders without an `index.html`. Default: false. */
    listing?: boolean | undefined;
    /** Serve names that begin with a dot. Default: false. */
    hidden?: boolean | undefined;
}
/** Sends requests to an HTTP server. */
interface BackendTarget extends TargetOptions {
    /** `'http://host:port'`, `'https://host'`, `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path. */
    backend: TunnelTarget;
    /**
     * `Host` header for the server: `'client'`, as sent by the client; `'target'`, host and port of the server; or a host. Default: `'client'`; with `https`, `'target'`.
     */
    hostHeader?: string | undefined;
    /** Certificates in PEM that are trusted instead of Node's, with `https`. Default: none. */
    certificates?: string | undefined;
    /** Connect timeout in milliseconds, including the TLS handshake. Then: status 504. Default: 9 s. */
    connectTimeout?: number | undefined;
    /** How long the server may neither read the request nor respond, in milliseconds. Then: status 504. Default: 60 s. */
    responseTimeout?: number | undefined;
}
/** Sends requests to the HTTP service of a peer. */
interface PeerTarget extends TargetOptions {
    /** The peer, or its alias in the account. */
    peer: Peer;
    /** Name of the service, as the peer exposes it. Default: none. */
    service?: string | undefined;
}
/** Target of a host. A function or an application is a {@link HandlerTarget} without other options. */
type RouterTarget = RouterHandler | FetchApplication | HandlerTarget | FolderTarget | BackendTarget | PeerTarget;

/** Identity of a peer in an account. */
interface RouterIdentity {
    /** Its alias. */
    readonly alias: string | undefined;
    /** Its groups. */
    readonly groups: readonly string[];
    /** Name of the device, if the peer is a device of the account. */
    readonly device: string | undefined;
    /** Leases through which it acts for other accounts. */
    readonly actsFor: readonly RouterLease[];
}
/** A lease through which a device acts for an account. */
interface RouterLease {
    /** ID52 of the account. */
    readonly account: string;
    /** Scope of the lease. */
    readonly scope: '*' | readonly string[];
}
/** Names of an account. */
interface RouterNames {
    /** Peers by name. */
    readonly aliases: Readonly<Record<string, PeerAddress>>;
}
/** The part of an account that a router needs. `Account` of `fastn-net/account` implements it. */
interface RouterAccount {
    /** Data of the account. A new object after each change. */
    readonly data: RouterNames;
    /** Identifies a peer. */
    identify(peer: Peer): RouterIdentity;
    /** Address of a peer that has an alias. */
    peer(name: string): PeerAddress;
}
/** The routing table, by host. {@link Router.update} replaces it as a whole. */
interface RouterTable {
    /**
     * Targets by name. In lower case, of letters, digits, `-`, `_` and `.`.
     *
     * - `shop` is `http://shop.localhost:<port>` and `http://shop.<id52>.localhost:<port>` here, with the endpoint's ID52. For peers, it is
     *   the HTTP service `shop`.
     * - A name with a dot, such as `shop.example`, also matches that exact host, for names that the system or the PAC file sends here.
     */
    hosts?: Readonly<Record<string, RouterTarget>> | undefined;
    /** Target of `http://<id52>.localhost:<port>`, with the endpoint's ID52. For peers, it is the HTTP service without a name. Default: none. */
    home?: RouterTarget | undefined;
    /**
     * Peers whose services are reachable as `<id52>.localhost`, `<service>.<id52>.localhost`, and with an account as
     * `<alias>.localhost` and `<service>.<alias>.localhost`: `'all'`; `'known'`, those with an alias; or `'none'`. Default: `'all'`.
     */
    peers?: 'all' | 'known' | 'none' | undefined;
}
/** Options of {@link createRouter}. */
interface RouterOptions extends RouterTable, CancelOptions {
    /** The endpoint that serves peers and dials them. */
    endpoint: Endpoint;
    /** Names of peers, groups and devices. Default: none. */
    account?: RouterAccount | undefined;
    /**
     * Further peers with the access level `self`: on a device, its account and the account's other devices. Devices of `account` are
     * always included. Default: none.
     */
    self?: Peers | undefined;
    /** Local port; 0 picks a free one. Default: 0. */
    port?: number | undefined;
    /** Local address or name. Any program that can reach it has local access. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Maximum local connections. Further ones are closed. Default: 4096. */
    maxConnections?: number | undefined;
    /** Receives errors of handlers, after the client got status 500, and of their bodies. Default: a process warning, once per code. */
    onError?: ((error: unknown, context: RouterContext) => unknown) | undefined;
}

/**
 * Starts a router: one local port for many hosts, and an HTTP service of the endpoint for peers. It routes each request by
 * `Host` to a target: a handler, a folder, an HTTP server or a peer.
 *
 * - Handlers and HTTP servers get the headers `fastn-access` (`local`, `self` or `remote`), `fastn-peer`, `fastn-alias` and
 *   `fastn-groups`. Clients cannot set them. Names in them are percent-encoded.
 * - Requests to other hosts get status 421, which prevents DNS rebinding.
 * - Local programs may use every target. Peers may use targets with `allow`; otherwise they get status 403.
 * - Cross-origin requests that may change data get status 403: see {@link TargetOptions.crossOrigin}.
 * - For clients that do not resolve `*.localhost`, such as Safari and Java, the router is an HTTP proxy for its own hosts, and serves a
 *   configuration at `/proxy.pac` of `localhost`.
 * - Bodies are streamed. WebSocket and other upgrades pass to HTTP servers and peers.
 *
 * Keeps the process alive until it is closed: by {@link Router.close}, by `signal`, or with the endpoint.
 *
 * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used. `ERR_PROTOCOL_IN_USE` if the endpoint already serves HTTP under
 * the name of a target with `allow`. `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`. `ERR_CLOSED`.
 *
 * @example
 * await using router = await createRouter({
 *   endpoint,
 *   port: 8000,
 *   hosts: { blog: new Hono(), photos: { folder: 'photos', allow: 'public' }, wiki: { backend: 3000 } }
 * })
 * console.log(router.urlOf('blog')) // http://blog.localhost:8000
 */
declare function createRouter(options: RouterOptions): Promise<Router>;
/** A running router. Started by {@link createRouter}. Garbage collection does not close it. */
declare class Router implements AsyncDisposable {
    #private;
    private constructor();
    /** Local port. */
    get port(): number;
    /** URL of the router itself and of its HTTP proxy: `'http://127.0.0.1:8000'`. */
    get url(): string;
    /** URL of the proxy configuration for clients that do not resolve `*.localhost`: `'http://127.0.0.1:8000/proxy.pac'`. */
    get proxyConfigUrl(): string;
    /** Number of open connections of local clients and peers. */
    get connections(): number;
    /** Resolves when the router has closed and its connections have ended. Never rejects. */
    get closed(): Promise<void>;
    /**
     * URL of a host for local programs: `router.urlOf('blog')` is `'http://blog.localhost:8000'`.
     *
     * @param name A name of the table, an alias, an ID52, or a service of one: `'web.alice'`. Default: this endpoint's own ID52.
     */
    urlOf(name?: string): string;
    /**
     * Replaces the table as a whole. Checks it first: after an error, the old one stays in force. Requests in progress and upgraded connections
     * continue with the old target.
     *
     * @throws {FastnNetError} As {@link createRouter}.
     *
     * @example
     * await router.update({ hosts: { blog: { backend: 3001 } } })
     */
    update(table: RouterTable): Promise<void>;
    /**
     * Stops accepting connections and requests immediately, and waits for requests in progress. They are reset after the timeout. Idempotent.
     *
     * @param options `timeout`: time for requests in progress, in milliseconds. Default: 5 s. `signal`: cancels only the wait.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    close(options?: TimeoutOptions): Promise<void>;
    /** Closes the router, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

export { Router, createRouter, folderHandler };
export type { AccessLevel, BackendTarget, FetchApplication, FolderOptions, FolderTarget, HandlerTarget, PeerTarget, RouterAccount, RouterAllow, RouterContext, RouterHandler, RouterIdentity, RouterLease, RouterNames, RouterOptions, RouterTable, RouterTarget, ServedFolder, TargetOptions };
