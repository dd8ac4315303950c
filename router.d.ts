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
/** Serves the files of a folder. A handler of a router and of `endpoint.serveHttp`. */
interface ServedFolder {
    (request: Request, context: {
        readonly peer?: string | undefined;
    }): Promise<Response>;
    /** Requests in progress. */
    readonly requests: number;
    /** Breaks off the files that are being sent: their bodies fail with the reason. */
    cut(reason: Error): void;
}
/**
 * Makes a handler that serves the files of a folder.
 *
 * - GET and HEAD. A folder is its `index.html`, else with `listing` a list, else status 404.
 * - `ETag`, `Last-Modified` and conditional requests; one range of bytes.
 * - Follows no link, and serves nothing outside the folder, also if names are changed while it serves.
 * - At most 512 requests at once, 64 of one peer: others get status 503.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also if there is no such folder.
 *
 * @example
 * endpoint.serveHttp(await folderHandler('site'))
 */
declare function folderHandler(path: string, options?: FolderOptions): Promise<ServedFolder>;

/**
 * How near a client is to the user of a router:
 *
 * - `'local'`: a program on this machine
 * - `'self'`: a device of the same account, or a peer of `self`
 * - `'remote'`: any other peer
 */
type AccessLevel = 'local' | 'self' | 'remote';
/** What a handler of a router knows beside the request. */
interface RouterContext {
    /** How near the client is. */
    readonly access: AccessLevel;
    /** ID52 of the peer that sent the request; `undefined` for a local client. */
    readonly peer: string | undefined;
    /** Alias of the peer, or of the account that it acts for as a device. */
    readonly alias: string | undefined;
    /** Groups of the account that the peer is in. Sorted. Empty for a local client. */
    readonly groups: readonly string[];
}
/** Answers a request. Hono's `app.fetch` and other handlers of the Fetch API have this shape. */
type RouterHandler = (request: Request, context: RouterContext) => Response | Promise<Response>;
/** An application with a `fetch`, such as one of Hono. */
interface FetchApplication {
    /** Answers a request. */
    fetch: RouterHandler;
}
/**
 * Who may use a target beside programs on this machine:
 *
 * - `'public'`: every peer that the endpoint admits
 * - `'self'`: peers with the access level `self`
 * - a list: those with the access level `self`, and peers by alias, group, or {@link Peer}
 *
 * In addition to the endpoint's access lists and policy.
 */
type RouterAllow = 'public' | 'self' | readonly Peer[];
/** What all targets have. */
interface TargetOptions {
    /** Peers that may use it. Others get status 403. Default: none; the target is for local programs only. */
    allow?: RouterAllow | undefined;
    /**
     * Let web pages of other origins send requests that change something, and open WebSockets. Without it, a page of any web site that a
     * browser on this machine shows cannot: it gets status 403. Default: false.
     */
    crossOrigin?: boolean | undefined;
}
/** Answers requests by a handler. */
interface HandlerTarget extends TargetOptions {
    /** The handler, or an application with `fetch`. */
    handler: RouterHandler | FetchApplication;
    /** Longest body of a request, in bytes; longer ones get status 413. `Infinity`: no limit. Default: 16 MiB. */
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
     * Host header of the requests that the server gets: `'client'`, as the client sent it; `'target'`, host and port of the server; or a
     * host. Default: `'client'`; with `https`, `'target'`.
     */
    hostHeader?: string | undefined;
    /** Certificates in PEM that are trusted instead of Node's, with `https`. Default: none. */
    certificates?: string | undefined;
    /** Timeout of a connection, in milliseconds, its TLS handshake included. Then: status 504. Default: 9 s. */
    connectTimeout?: number | undefined;
    /** How long the server may take nothing of a request and give no answer, in milliseconds. Then: status 504. Default: 60 s. */
    responseTimeout?: number | undefined;
}
/** Sends requests to the HTTP service of a peer. */
interface PeerTarget extends TargetOptions {
    /** The peer, or its alias in the account. */
    peer: Peer;
    /** Name of the service, as the peer exposes it. Default: none. */
    service?: string | undefined;
}
/** Where requests for a host go. A function or an application is a {@link HandlerTarget} without other options. */
type RouterTarget = RouterHandler | FetchApplication | HandlerTarget | FolderTarget | BackendTarget | PeerTarget;

/** Who a peer is to an account. */
interface RouterIdentity {
    /** Its alias. */
    readonly alias: string | undefined;
    /** Groups that it is in. */
    readonly groups: readonly string[];
    /** Name of the device, if it is one of the account. */
    readonly device: string | undefined;
    /** Leases by which it acts for other accounts. */
    readonly actsFor: readonly RouterLease[];
}
/** A lease by which a device acts for an account. */
interface RouterLease {
    /** ID52 of the account. */
    readonly account: string;
    /** What the device may do for it. */
    readonly scope: '*' | readonly string[];
}
/** Names of an account. */
interface RouterNames {
    /** Peers by name. */
    readonly aliases: Readonly<Record<string, PeerAddress>>;
}
/** What a router asks of an account: an `Account` of `fastn-net/account` has it. */
interface RouterAccount {
    /** What the account keeps. A new object after each change. */
    readonly data: RouterNames;
    /** Who a peer is. */
    identify(peer: Peer): RouterIdentity;
    /** Address of a peer that has an alias. */
    peer(name: string): PeerAddress;
}
/** The table of a router: which host means what. Swapped as a whole by {@link Router.update}. */
interface RouterTable {
    /**
     * Targets by name. In lower case, of letters, digits, `-`, `_` and `.`.
     *
     * - `shop` is `http://shop.localhost:<port>` and `http://shop.<id52>.localhost:<port>` here, with the endpoint's ID52. For peers, it is
     *   the HTTP service `shop`.
     * - A name with a dot, such as `shop.example`, is also that host itself: for names that the system or the PAC file sends here.
     */
    hosts?: Readonly<Record<string, RouterTarget>> | undefined;
    /** Target of `http://<id52>.localhost:<port>`, with the endpoint's ID52. For peers, it is the HTTP service without a name. Default: none. */
    home?: RouterTarget | undefined;
    /**
     * Peers whose services are reached under `<id52>.localhost`, `<service>.<id52>.localhost`, and with an account under
     * `<alias>.localhost` and `<service>.<alias>.localhost`: `'all'`; `'known'`, those with an alias; or `'none'`. Default: `'all'`.
     */
    peers?: 'all' | 'known' | 'none' | undefined;
}
/** Options of {@link createRouter}. */
interface RouterOptions extends RouterTable, CancelOptions {
    /** The endpoint that peers use, and whose peers are reached. */
    endpoint: Endpoint;
    /** Names of peers, groups and devices. Default: none. */
    account?: RouterAccount | undefined;
    /**
     * Other peers that count as this user's own, with the access level `self`: for a device, its account and the account's other devices.
     * The devices of `account` do so anyway. Default: none.
     */
    self?: Peers | undefined;
    /** Local port; 0 picks a free one. Default: 0. */
    port?: number | undefined;
    /** Local address or name. Everyone who can reach it has local access. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Local connections at a time. Further ones are closed. Default: 4096. */
    maxConnections?: number | undefined;
    /** Receives what a handler threw, after the client got status 500, and what ended its body. Default: a process warning, once per code. */
    onError?: ((error: unknown, context: RouterContext) => unknown) | undefined;
}

/**
 * Starts a router: one local port for many hosts, and an HTTP service of the endpoint for peers. The host of a request says which target
 * answers it: a handler, a folder, an HTTP server or a peer.
 *
 * - Handlers and HTTP servers get the headers `fastn-access` (`local`, `self` or `remote`), `fastn-peer`, `fastn-alias` and
 *   `fastn-groups`. No client can set them. Names in them are percent-encoded.
 * - Requests to other hosts get status 421. So no web site can use the router under a name of its own (DNS rebinding).
 * - Local programs may use every target. Peers may use those with `allow`, else they get status 403.
 * - Pages of other origins cannot change anything: see {@link TargetOptions.crossOrigin}.
 * - For clients that do not resolve `*.localhost`, such as Safari and Java, the router is an HTTP proxy for the hosts that it routes, and
 *   serves its configuration at `/proxy.pac` of `localhost`.
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
/** A running router. Started by {@link createRouter}. Garbage collection does not end it. */
declare class Router implements AsyncDisposable {
    #private;
    private constructor();
    /** Local port. */
    get port(): number;
    /** URL of the router itself, which is also its address as an HTTP proxy: `'http://127.0.0.1:8000'`. */
    get url(): string;
    /** URL of the proxy configuration for clients that do not resolve `*.localhost`: `'http://127.0.0.1:8000/proxy.pac'`. */
    get proxyConfigUrl(): string;
    /** Connections that are open now, of local clients and of peers. */
    get connections(): number;
    /** Resolves when the router has closed and its connections have ended. Never rejects. */
    get closed(): Promise<void>;
    /**
     * URL of a host for local programs: `router.urlOf('blog')` is `'http://blog.localhost:8000'`.
     *
     * @param name A name of the table, an alias, an ID52, or one of those behind the name of a service: `'web.alice'`. Default: this
     * endpoint's own ID52.
     */
    urlOf(name?: string): string;
    /**
     * Replaces the table as a whole. Checks it first: after an error, the old one is in force. Requests that run, and connections that were
     * upgraded, continue with the old target.
     *
     * @throws {FastnNetError} As {@link createRouter}.
     *
     * @example
     * await router.update({ hosts: { blog: { backend: 3001 } } })
     */
    update(table: RouterTable): Promise<void>;
    /**
     * Stops accepting connections and requests at once, and resolves when those that run have ended. They are reset after the timeout.
     * Idempotent.
     *
     * @param options `timeout`: how long requests may go on, in milliseconds. Default: 5 s. `signal`: ends the wait only.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    close(options?: TimeoutOptions): Promise<void>;
    /** Closes the router, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

export { Router, createRouter, folderHandler };
export type { AccessLevel, BackendTarget, FetchApplication, FolderOptions, FolderTarget, HandlerTarget, PeerTarget, RouterAccount, RouterAllow, RouterContext, RouterHandler, RouterIdentity, RouterLease, RouterNames, RouterOptions, RouterTable, RouterTarget, ServedFolder, TargetOptions };
