// Generated from src/node/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

import { Duplex, DuplexOptions } from 'node:stream';
import { PeerStream } from './index.js';

/** Options of {@link duplex}: those of a Node stream that a socket leaves open. */
type PeerDuplexOptions = Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'>;
/**
 * A stream as a Node `Duplex` that `http`, `tls`, `ssh2`, `pg` and others take as a socket.
 *
 * The halves end apart from each other (`allowHalfOpen`). `end()` is `finish`, `destroy()` resets what was not finished and stops
 * what was not read. From now on the stream is the Duplex's: do not read or write it elsewhere. In a handler of `listen`, the stream
 * stays until the Duplex has closed, also after the handler's return.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for anything but a PeerStream.
 * @example
 * http.request({ createConnection: () => duplex(stream) })
 * server.emit('connection', duplex(stream))
 */
declare function duplex(stream: PeerStream, options?: PeerDuplexOptions): PeerDuplex;
/** What {@link duplex} makes. A failure is an `'error'` event; without a listener it is only a close, and never ends the process. */
declare class PeerDuplex extends Duplex {
    #private;
    constructor(stream: PeerStream, options?: PeerDuplexOptions);
    /** ID52 of the peer, where a socket has an address. */
    get remoteAddress(): string;
    /** Emits `'timeout'` when nothing was received or sent for so many milliseconds; 0 switches it off. Closes nothing. */
    setTimeout(ms: number, onTimeout?: () => void): this;
    /** The time of {@link setTimeout}. */
    get timeout(): number;
    /** QUIC does not gather small writes: nothing to do. */
    setNoDelay(): this;
    /** The endpoint keeps its connections alive: nothing to do. */
    setKeepAlive(): this;
    /** A waiting read or write keeps the process alive again. */
    ref(): this;
    /** A waiting read or write, now and later, does not keep the process alive. */
    unref(): this;
}

export { PeerDuplex, duplex };
export type { PeerDuplexOptions };
