// Generated from src/node/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { Duplex, DuplexOptions, Writable } from 'node:stream';
import { PeerStream } from './index.js';
import { AgentOptions, Agent, RequestListener, Server } from 'node:http';
import { Endpoint } from './index.js';
import { Listener } from './index.js';
import { Peer } from './index.js';
import { FetchOptions, HttpHandler } from './index.js';
import { TunnelTarget } from './index.js';
import { CancelOptions } from './index.js';
import { Socket } from 'node:net';

/** Options of {@link duplex}: the subset of Node's `DuplexOptions` that applies to a socket. */
interface PeerDuplexOptions extends Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'> {
    /** With `false`, the Duplex ends its writing half when the peer has ended its own, as a TCP socket does. Default: true. */
    allowHalfOpen?: boolean | undefined;
}
/**
 * Wraps a stream as a Node `Duplex`, which `http`, `tls`, `ssh2`, `pg` and others accept as a socket.
 *
 * - A stream has one Duplex: without options, a second call returns the same.
 * - Each half ends on its own (`allowHalfOpen`). `end()` calls {@link PeerStream.finish}.
 * - `destroy()` resets sending unless it was finished, and stops reading. The peer sees `errorCode` 0 without an error, 0x102 with an
 *   error, and 0x101 after an abort by `signal`.
 * - The Duplex takes over the stream: do not read or write it elsewhere.
 * - In a handler of `endpoint.listen`, the stream stays open until the Duplex closes, even after the handler returns.
 * - A pending read or write keeps the process alive, except after `unref()`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `stream` is not a `PeerStream`, an option is invalid, or options are given for a stream
 * that has a Duplex.
 *
 * @example
 * http.request({ createConnection: () => duplex(stream) })
 * server.emit('connection', duplex(stream))
 */
declare function duplex(stream: PeerStream, options?: PeerDuplexOptions): PeerDuplex;
/**
 * Node `Duplex` over a {@link PeerStream}. Created by {@link duplex}.
 *
 * Failures of the stream or its connection emit `'error'`, even while no call reads or writes. A reset by the peer drops unread data;
 * other failures follow it. A reset behind more than 64 KiB of unread data is noticed by a later read. Without an error listener, the
 * Duplex only closes; the process does not crash. An exception that a listener throws is an uncaught exception of the process.
 */
declare class PeerDuplex extends Duplex {
    #private;
    constructor(stream: PeerStream, options?: PeerDuplexOptions);
    /** ID52 of the peer, in place of a socket's address. */
    get remoteAddress(): string;
    /**
     * Emits `'timeout'` after `ms` milliseconds without traffic; 0 disables it, and removes `onTimeout`. Closes nothing. The timer does not
     * keep the process alive. From 2^31 ms (24 days) on, there is no timer.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    setTimeout(ms: number, onTimeout?: () => void): this;
    /** Idle timeout set by {@link setTimeout}, in milliseconds. Default: 0, none. */
    get timeout(): number;
    /** Only emits `'connect'`, for libraries that connect their socket themselves, such as pg. The stream is connected. */
    connect(): this;
    /** No-op: QUIC does not delay small writes. */
    setNoDelay(): this;
    /** No-op: the endpoint keeps its connections alive. */
    setKeepAlive(): this;
    /** Lets pending reads and writes keep the process alive. This is the default. */
    ref(): this;
    /** Stops current and later reads and writes from keeping the process alive. */
    unref(): this;
}

/** Options of {@link httpAgent}. */
interface HttpAgentOptions extends Pick<AgentOptions, 'keepAlive' | 'maxSockets' | 'maxTotalSockets' | 'maxFreeSockets' | 'timeout'> {
    /** Name of the peer's service. Default: `''`. */
    service?: string | undefined;
}
/** Options of {@link serveNodeHttp}. */
interface ServeNodeHttpOptions {
    /** Name of the service. Default: `''`. */
    service?: string | undefined;
    /** Stops serving, without an error. Running handlers continue. */
    signal?: AbortSignal | undefined;
}
/**
 * Creates an `http.Agent` whose connections are streams to a peer, for `node:http` and the libraries on top of it. The host in a URL is
 * only sent as `Host`. Keeps streams for further requests (`keepAlive`, default: true). An idle stream does not keep the process alive.
 *
 * The peer answers with `endpoint.serveHttp` or {@link serveNodeHttp}. A request fails with the errors of `endpoint.getStream`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer.
 *
 * @example
 * const agent = httpAgent(endpoint, peer)
 * http.get('http://peer/items', { agent }, response => response.pipe(process.stdout))
 */
declare function httpAgent(endpoint: Endpoint, peer: Peer, options?: HttpAgentOptions): Agent;
/** Options of {@link peerConnector}. */
interface PeerConnectorOptions {
    /** Name of the peer's service. Default: `''`. */
    service?: string | undefined;
}
/** Connector: undici calls it for a connection. */
type PeerConnector = (options: object, connected: (error: Error | null, socket: PeerDuplex | null) => void) => void;
/**
 * Creates a connector for an `Agent`, `Client` or `Pool` of undici, whose connections are then streams to a peer. The origin in a URL is
 * only sent as `Host`; for `https:` too, there is no TLS within the stream, which is encrypted anyway. A request fails with the errors of
 * `endpoint.getStream`, as undici wraps them.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer.
 *
 * @example
 * const dispatcher = new Agent({ connect: peerConnector(endpoint, peer) })
 * const response = await request('http://peer/items', { dispatcher })
 */
declare function peerConnector(endpoint: Endpoint, peer: Peer, options?: PeerConnectorOptions): PeerConnector;
/**
 * Answers HTTP requests of peers with a handler for `node:http`, such as an Express app, or with an `http.Server`, which then also gets
 * `'upgrade'`: a WebSocket server works over peers. The server need not listen on a port.
 *
 * The header `fastn-peer` is the ID52 of the caller. No caller can set it, nor a trailer of that name; a server that listens on a port as well
 * sees it from peers only. Trailers that frame, route or authenticate a message are dropped.
 *
 * Returns at once, as `endpoint.listen` does; serves until the result is closed, and keeps the process alive until then. A stream that is
 * idle between requests ends after the server's `keepAliveTimeout`, or when the result is closed. A request in progress is then the last
 * one of its stream.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject `ready` of the result.
 *
 * @example
 * serveNodeHttp(endpoint, (request, response) => response.end(`hello ${request.headers['fastn-peer']}`))
 */
declare function serveNodeHttp(endpoint: Endpoint, handler: RequestListener | Server, options?: ServeNodeHttpOptions): Listener;

/** Options of {@link peerToHttp}. */
interface PeerToHttpOptions {
    /** How long the target may take to begin its answer, in milliseconds; then the peer gets status 504. Default: 30 s. */
    answerTimeout?: number | undefined;
}
/**
 * Sends a request over a stream that was opened for it, and resolves with its answer. The stream ends with the answer's body.
 *
 * `endpoint.fetch` opens the stream too, and follows redirects.
 *
 * @param stream A stream that nothing else uses, with the protocol `'Http'`, or `{ Generic: { fastn: 'http', service } }`.
 * @throws {FastnNetError} As `endpoint.fetch`.
 *
 * @example
 * const response = await httpToPeer(await endpoint.getStream(peer, 'Http'), '/items')
 */
declare function httpToPeer(stream: PeerStream, input: string | URL | Request, init?: Omit<FetchOptions, 'service' | 'redirect'>): Promise<Response>;
/**
 * Answers the HTTP requests of one stream, with a handler or from an HTTP server. The server sees the header `fastn-peer`; a server that
 * cannot be reached is status 502.
 *
 * @param target A handler as for `endpoint.serveHttp`; or `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
 * @throws What cut an answer short, after the stream was reset. `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * endpoint.listen({ Http: stream => peerToHttp(stream, 3000) })
 */
declare function peerToHttp(stream: PeerStream, target: HttpHandler | TunnelTarget, options?: PeerToHttpOptions): Promise<void>;

/** How far a {@link sendFrom} or {@link receiveTo} is. */
interface TransferProgress {
    /** Bytes so far. */
    readonly bytes: number;
    /** Bytes in all, if known. */
    readonly total?: number;
}
/** Result of {@link sendFrom} and {@link receiveTo}. */
interface TransferResult {
    /** Number of bytes. */
    readonly bytes: number;
    /** SHA-256 of the bytes: 64 hex digits. */
    readonly sha256: string;
}
/** Options of {@link sendFrom}. */
interface TransferOptions extends CancelOptions {
    /** Called every 100 ms while bytes move, and at the end. If it throws, the call fails. */
    onProgress?: ((progress: TransferProgress) => void) | undefined;
    /** Expected number of bytes, for `onProgress`. Default: for {@link sendFrom} of a file its size, else unknown. */
    total?: number | undefined;
}

/**
 * Options of {@link receiveTo}.
 *
 * - **File:** the bytes go to a hidden file in the same folder, named `.*.part`. Once all have arrived and are on disk, it is renamed, and
 *   replaces a file of that name, with its mode. After a failure it is removed; only a killed process leaves it behind. Symbolic links
 *   are followed; a link to nothing is `ERR_FILE`.
 * - **Writable:** read no faster than it takes the bytes.
 *
 * After any failure or abort the receiving half is stopped, even if the caller catches the error: the peer sees `ERR_STREAM_STOPPED`,
 * with `errorCode` 0x102 after a failure and 0x101 after an abort by `signal`. Only `ERR_READ_PENDING` and `ERR_INVALID_ARGUMENT`
 * leave the stream unchanged. The sending half stays open, for an answer. In a handler of `endpoint.listen`, await the call: if the handler
 * returns before, the stream is finished as soon as the call is done, and an answer after it is `ERR_STREAM_FINISHED`.
 */
interface ReceiveToOptions extends TransferOptions {
    /** Expected number of bytes, if known: another number is an error. Also reported to `onProgress`. Default: unknown. */
    total?: number | undefined;
    /** Most bytes to receive. Default: unlimited. Set it if the peer may fill the disk otherwise. */
    maxBytes?: number | undefined;
}
/** Target of {@link receiveTo}: the path of a file, or a Node `Writable`. */
type ReceiveTarget = string | URL | Writable;
/**
 * Receives everything that the peer sends into a file or a Node `Writable`, and returns its size and SHA-256.
 *
 * A file gets its name once all bytes are on disk: see {@link ReceiveToOptions}. A `Writable` is ended after the last byte, and destroyed
 * after a failure. A failure also stops the peer. Keeps the process alive.
 *
 * @throws {FastnNetError} `ERR_FILE`, with the error of the system as `cause`. `ERR_TOO_LARGE` beyond `maxBytes` or `total`.
 * `ERR_UNEXPECTED_END` below `total`. `ERR_INVALID_ARGUMENT`. The errors of `stream.read`. What the `Writable` or `onProgress` throws.
 *
 * @example
 * const { bytes, sha256 } = await receiveTo(stream, 'film.mp4', { maxBytes: 10_000_000_000 })
 */
declare function receiveTo(stream: PeerStream, target: ReceiveTarget, options?: ReceiveToOptions): Promise<TransferResult>;

/** Source of {@link sendFrom}: the path of a file, or chunks from a Node or web stream, a generator or a list. */
type SendSource = string | URL | AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;
/**
 * Sends a file, or what a stream gives, and finishes the sending half. Resolves once the peer has acknowledged all of it. The receiving
 * half stays open, for an answer.
 *
 * Reads no faster than the peer takes the bytes. Strings are sent as UTF-8. A source that is not read to its end is destroyed.
 *
 * After any failure or abort the sending half is reset, so that the peer never takes a part for the whole: it sees
 * `ERR_STREAM_RESET`, with `errorCode` 0x102 after a failure and 0x101 after an abort by `signal`. Only `ERR_INVALID_ARGUMENT` of an
 * argument leaves the stream unchanged. In a handler of `endpoint.listen`, await the call: if the handler returns before, reading ends as
 * soon as the call is done. Keeps the process alive.
 *
 * @throws {FastnNetError} `ERR_FILE` if the file cannot be read; `cause` is the error of the system. The errors of `stream.write` and
 * `stream.closed`, such as `ERR_STREAM_STOPPED` if the peer takes no more. `ERR_INVALID_ARGUMENT`. What the source or `onProgress` throws.
 *
 * @example
 * const { bytes, sha256 } = await sendFrom(stream, 'film.mp4', {
 *   onProgress: ({ bytes, total = 0 }) => console.log(`${Math.floor((bytes / total) * 100)} %`)
 * })
 */
declare function sendFrom(stream: PeerStream, source: SendSource, options?: TransferOptions): Promise<TransferResult>;

/** Options of {@link peerToTcp}. */
interface PeerToTcpOptions extends CancelOptions {
    /** Timeout of the connection to the target, in milliseconds. Default: 9 s. */
    connectTimeout?: number | undefined;
}
/**
 * Carries an accepted TCP connection over a stream to a peer, both ways, until both have ended. A half-close is a FIN, a reset is a reset.
 *
 * For a whole service, `endpoint.bridgeTcp` is faster: its bytes stay out of JavaScript.
 *
 * @param socket A connected `net.Socket` that nothing else reads.
 * @throws What ended it early, after both sides were reset: the errors of {@link PeerStream.read} and {@link PeerStream.write}, the
 * socket's error, the signal's reason. `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * net.createServer(socket => {
 *   socket.on('error', console.error) // also before there is a stream
 *   endpoint.getStream(peer, 'Tcp').then(stream => tcpToPeer(socket, stream)).catch(error => socket.destroy(error))
 * })
 */
declare function tcpToPeer(socket: Socket, stream: PeerStream, options?: CancelOptions): Promise<void>;
/**
 * Carries a stream of a peer to a TCP service or Unix socket, both ways, until both have ended. A half-close is a FIN, a reset is a reset.
 *
 * For a whole service, `endpoint.exposeTcp` is faster: its bytes stay out of JavaScript.
 *
 * @param target `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
 * @throws {FastnNetError} `ERR_TARGET` if the target cannot be reached, after the stream was reset. Otherwise as {@link tcpToPeer}.
 *
 * @example
 * endpoint.listen({ Tcp: stream => peerToTcp(stream, '127.0.0.1:5432') })
 */
declare function peerToTcp(stream: PeerStream, target: TunnelTarget, options?: PeerToTcpOptions): Promise<void>;

export { PeerDuplex, duplex, httpAgent, httpToPeer, peerConnector, peerToHttp, peerToTcp, receiveTo, sendFrom, serveNodeHttp, tcpToPeer };
export type { HttpAgentOptions, PeerConnector, PeerConnectorOptions, PeerDuplexOptions, PeerToHttpOptions, PeerToTcpOptions, ReceiveTarget, ReceiveToOptions, SendSource, ServeNodeHttpOptions, TransferOptions, TransferProgress, TransferResult };
