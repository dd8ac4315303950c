// Generated from src/node/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { Duplex, DuplexOptions } from 'node:stream';
import { PeerStream } from './index.js';

/** Options of {@link duplex}: the subset of Node's `DuplexOptions` that applies to a socket. */
type PeerDuplexOptions = Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'>;
/**
 * Wraps a stream as a Node `Duplex`, which `http`, `tls`, `ssh2`, `pg` and others accept as a socket.
 *
 * - Each half ends on its own (`allowHalfOpen`). `end()` calls {@link PeerStream.finish}.
 * - `destroy()` resets sending unless it was finished, and stops reading.
 * - The Duplex takes over the stream: do not read or write it elsewhere.
 * - In a handler of `endpoint.listen`, the stream stays open until the Duplex closes, even after the handler returns.
 * - A pending read or write keeps the process alive, except after `unref()`.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `stream` is not a `PeerStream`, or an option is invalid.
 *
 * @example
 * http.request({ createConnection: () => duplex(stream) })
 * server.emit('connection', duplex(stream))
 */
declare function duplex(stream: PeerStream, options?: PeerDuplexOptions): PeerDuplex;
/**
 * Node `Duplex` over a {@link PeerStream}. Created by {@link duplex}.
 *
 * Failures of the stream or its connection emit `'error'`, even while nobody reads or writes. Without an error listener, the Duplex only closes; the process does not crash.
 */
declare class PeerDuplex extends Duplex {
    #private;
    constructor(stream: PeerStream, options?: PeerDuplexOptions);
    /** ID52 of the peer, in place of a socket's address. */
    get remoteAddress(): string;
    /**
     * Emits `'timeout'` after `ms` milliseconds without traffic; 0 disables it. Closes nothing. The timer does not keep the process
     * alive. From 2^31 ms (24 days) on, there is no timer.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    setTimeout(ms: number, onTimeout?: () => void): this;
    /** Idle timeout set by {@link setTimeout}, in milliseconds. Default: 0, none. */
    get timeout(): number;
    /** No-op: QUIC does not delay small writes. */
    setNoDelay(): this;
    /** No-op: the endpoint keeps its connections alive. */
    setKeepAlive(): this;
    /** Lets pending reads and writes keep the process alive. This is the default. */
    ref(): this;
    /** Stops current and later reads and writes from keeping the process alive. */
    unref(): this;
}

export { PeerDuplex, duplex };
export type { PeerDuplexOptions };
