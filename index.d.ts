// Generated from src/index.ts by scripts/types.mjs: do not edit.
/// <reference types="node" />

/**
 * All codes of {@link FastnNetError}, in the order of `crates/fastn-net-proto/src/error.rs`.
 * A minor version may add codes: keep a default branch.
 */
declare const errorCodes: readonly ["ERR_BIND", "ERR_SECRET_KEY", "ERR_PEER_ADDRESS", "ERR_UNREACHABLE", "ERR_CONNECTION_LOST", "ERR_ACK_TIMEOUT", "ERR_REFUSED", "ERR_UNAUTHORIZED", "ERR_PROTOCOL_UNSUPPORTED", "ERR_TOO_MANY_STREAMS", "ERR_HEADER_INVALID", "ERR_HEADER_TOO_LARGE", "ERR_HEADER_TIMEOUT", "ERR_STREAM_RESET", "ERR_STREAM_STOPPED", "ERR_STREAM_FINISHED", "ERR_LINE_TOO_LONG", "ERR_TOO_LARGE", "ERR_UNEXPECTED_END", "ERR_JSON", "ERR_UTF8", "ERR_INVALID_ARGUMENT", "ERR_CLOSED", "ERR_READ_PENDING", "ERR_PROTOCOL_IN_USE", "ERR_SHUTTING_DOWN", "ERR_BUSY", "ERR_PING", "ERR_KEY_STORE", "ERR_FILE", "ERR_REMOTE", "ERR_SCHEMA", "ERR_CALL_TIMEOUT", "ERR_NATIVE", "ERR_LISTEN", "ERR_TARGET", "ERR_INTERNAL"];
/** Error code of a {@link FastnNetError}. */
type FastnNetErrorCode = (typeof errorCodes)[number];
/** One way in which a value does not match its schema. Long texts are cut to 128 characters, paths to 16 keys. */
interface SchemaIssue {
    /** What is wrong, in the schema library's words. A peer's text has its control characters escaped. */
    readonly message: string;
    /** Keys from the value down to its wrong part; empty for the value itself. */
    readonly path: readonly (string | number)[];
}
/** Details of a {@link FastnNetError} besides its code and message. */
interface FastnNetErrorOptions {
    /** ID52 of the peer. */
    peer?: string | undefined;
    /** Protocol of the stream. */
    protocol?: Protocol | undefined;
    /** Operation that failed, for logs: `'connect'`, `'open'`, `'read'`, … */
    phase?: string | undefined;
    /** Application error code of a reset, stop or close. */
    errorCode?: number | bigint | undefined;
    /** Refusal word sent by the peer, or the code of its handler's error. */
    remoteCode?: string | undefined;
    /** Name of the error that the peer's handler threw. */
    remoteName?: string | undefined;
    /** Stack trace from the peer. */
    remoteStack?: string | undefined;
    /** Data of the error that the peer's handler threw. */
    data?: unknown;
    /** How a message differs from its schema. */
    issues?: readonly SchemaIssue[] | undefined;
    /** Text received before the stream ended in the middle of a line. */
    partial?: string | undefined;
    /** Underlying error. */
    cause?: unknown;
}
/**
 * Error thrown by this library. Branch on `code`; `message` says what happened and what to do.
 *
 * `instanceof` works across realms and copies of the package. An aborted call rejects with its signal's reason instead.
 *
 * @example
 * try {
 *   await endpoint.getStream(peer, 'Echo')
 * } catch (error) {
 *   if (error instanceof FastnNetError && error.code === 'ERR_UNREACHABLE') console.log('offline:', error.message)
 *   else throw error
 * }
 */
declare class FastnNetError extends Error {
    /** Kind of the failure. */
    readonly code: FastnNetErrorCode;
    /** ID52 of the peer, if known. */
    readonly peer?: string;
    /** Protocol of the stream, if known. */
    readonly protocol?: Protocol;
    /** Operation that failed, for logs: `'connect'`, `'open'`, `'read'`, … */
    readonly phase?: string;
    /** Application error code of a reset, stop or close. A bigint above 2^53 - 1, which `JSON.stringify` writes as a string. */
    readonly errorCode?: number | bigint;
    /** Refusal word sent by the peer. With `ERR_REMOTE`: the `code` of the handler's error, if it has one. */
    readonly remoteCode?: string;
    /** With `ERR_REMOTE`: `name` of the error that the peer's handler threw. */
    readonly remoteName?: string;
    /** With `ERR_REMOTE`: its stack trace, if the peer sends those. */
    readonly remoteStack?: string;
    /** With `ERR_REMOTE`: its `data`, if it has any that JSON can represent. Chosen by the peer, so check it before use. */
    readonly data?: unknown;
    /** With `ERR_SCHEMA`: how the message differs from its schema. */
    readonly issues?: readonly SchemaIssue[];
    /** With `ERR_UNEXPECTED_END`: text received before the stream ended in the middle of a line. */
    readonly partial?: string;
    constructor(code: FastnNetErrorCode, message: string, options?: FastnNetErrorOptions);
    /** Also true for errors of another realm or another copy of this package. */
    static [Symbol.hasInstance](value: unknown): boolean;
}
/** Whether `error` is a {@link FastnNetError}. */
declare function isFastnNetError(error: unknown): error is FastnNetError;
/**
 * Whether `error` is a {@link FastnNetError} with this code. Narrows its type.
 *
 * @example
 * try {
 *   await endpoint.getStream(peer, 'Echo')
 * } catch (error) {
 *   if (!isFastnNetError(error, 'ERR_UNREACHABLE')) throw error
 * }
 */
declare function isFastnNetError<Code extends FastnNetErrorCode>(error: unknown, code: Code): error is FastnNetError & {
    /** The code passed to {@link isFastnNetError}. */
    readonly code: Code;
};
/** A JSON value. */
type Json = null | boolean | number | string | readonly Json[] | {
    readonly [key: string]: Json;
};
/** Protocols with a reserved name. The library answers `Ping` itself; no handler receives it. */
type UnitProtocol = 'Ping' | 'WhatTimeIsIt' | 'Http' | 'HttpProxy' | 'Socks5' | 'Tcp' | 'DeviceToAccount' | 'AccountToAccount' | 'AccountToDevice' | 'RigControl';
/** `Value` if it is representable as JSON, else `never`. Accepts interfaces, which are not assignable to {@link Json}. */
type JsonOf<Value> = [Value] extends [Json] ? Value : Value extends (...parameters: never) => unknown ? never : Value extends object ? {
    readonly [Name in keyof Value]: JsonOf<Value[Name]>;
} : Extract<Value, Json>;
/**
 * Protocol of a stream. Any string that is not empty is one:
 *
 * - the name of a {@link UnitProtocol} means that protocol
 * - any other string is the application's own protocol, and short for `{ Generic: string }`
 * - `{ Generic: value }` names the application's protocol with any JSON value
 *
 * To choose explicitly, use {@link Protocol.unit} or {@link Protocol.generic}: `Protocol.generic('Tcp')` is not `'Tcp'`.
 *
 * Results, such as `stream.protocol`, are strings wherever a string means the protocol, so `stream.protocol === 'Echo'` works. To
 * compare other values, use {@link Protocol.equals}: two Generic values are equal as JSON, in any key order.
 */
type Protocol = UnitProtocol | (string & Record<never, never>) | {
    /** Name of the application's protocol: any JSON value. */
    readonly Generic: Json;
};
/**
 * Constructors and comparison of protocols.
 *
 * @example
 * await endpoint.getStream(peer, Protocol.generic({ name: 'Echo', version: 2 }))
 */
declare const Protocol: {
    /**
     * Unit protocol with this name: `Protocol.unit('Http')`.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `name` is not a {@link UnitProtocol}.
     */
    readonly unit: <Name extends UnitProtocol>(name: Name) => Name;
    /** Application protocol `{ Generic: value }`: `Protocol.generic('Echo')`. */
    readonly generic: <const Value>(value: Value & JsonOf<Value>) => {
        /** Name of the application's protocol. */
        readonly Generic: JsonOf<Value> extends Json ? JsonOf<Value> : Json;
    };
    /**
     * Whether both mean the same protocol: `Protocol.equals('Echo', Protocol.generic('Echo'))` is true. Key order does not
     * matter. Compares numbers as JavaScript has them: a peer's 1.0 is 1.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for a value that JSON cannot represent.
     */
    readonly equals: (a: Protocol, b: Protocol) => boolean;
};

/** Options of a call that can be cancelled. */
interface CancelOptions {
    /** Cancels the call. It rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
}
/** Options of a read into the caller's buffer. */
interface ReadIntoOptions extends CancelOptions {
    /** Destination buffer: not empty, shared or detached. Do not use it until the read settles. */
    into: Uint8Array;
}
/** Options of reading lines. */
interface LineOptions extends CancelOptions {
    /** Longest line, in bytes without `\n`. Default: the endpoint's `maxLineBytes`, 1 MiB. */
    maxBytes?: number | undefined;
}
/** Options of reading everything up to EOF. */
interface BodyOptions extends CancelOptions {
    /** Most bytes to read. Default: 16 MiB. */
    maxBytes?: number | undefined;
}
/** Options of a call with a timeout. */
interface TimeoutOptions extends CancelOptions {
    /** Timeout in milliseconds. Fractions are rounded up, 0 means without waiting, `Infinity` means none. */
    timeout?: number | undefined;
}
/**
 * Options of opening a stream.
 *
 * - Without a connection, dials or joins a dial in progress, and retries with backoff until the timeout ({@link ConnectOptions}).
 * - Reaches a restarted peer that has the same key, at any address that it was given or last seen at.
 * - Reopens a stream that the peer cannot have seen. One that it may have seen fails with `ERR_CONNECTION_LOST`.
 *
 * Errors by cause:
 *
 * - arguments: `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`
 * - network: `ERR_UNREACHABLE`, whose message lists what was tried; `ERR_CONNECTION_LOST`; `ERR_ACK_TIMEOUT`
 * - refused by the peer: `ERR_PROTOCOL_UNSUPPORTED`, `ERR_UNAUTHORIZED`, `ERR_BUSY`, `ERR_SHUTTING_DOWN`, `ERR_TOO_MANY_STREAMS`,
 *   `ERR_HEADER_TOO_LARGE`, `ERR_HEADER_TIMEOUT`, `ERR_HEADER_INVALID`, or `ERR_REFUSED` with another `remoteCode`
 * - the peer's handler failed immediately: `ERR_STREAM_RESET` with `errorCode`
 * - this endpoint: `ERR_CLOSED`
 */
interface OpenOptions {
    /**
     * Line sent after the header. The acceptor reads it as the stream's first line, so it must expect one. Default: none.
     */
    extra?: string | undefined;
    /** Cancels opening and resets a stream already opened. The call rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
    /**
     * When the call resolves:
     *
     * - `'now'` (default): once the peer has accepted the stream.
     * - `'later'`: once the header is sent, which saves a round trip. A refusal then rejects every pending and later call on the
     *   stream. So does an ack that does not arrive within the endpoint's `ackTimeout`: `ERR_ACK_TIMEOUT`, and the stream is reset.
     *   After {@link PeerStream.stop}, no call reports the ack.
     */
    ack?: 'now' | 'later' | undefined;
    /**
     * Redial an unreachable peer, and reopen a stream that the peer cannot have seen: unacknowledged, without `extra`, and
     * nothing written to it. `false` makes one attempt. Default: true. No effect on {@link Connection.openBi}.
     */
    retry?: boolean | undefined;
    /**
     * Timeout of the whole call, in milliseconds. Rejects with `ERR_UNREACHABLE`, or on a live connection with
     * `ERR_TOO_MANY_STREAMS` or `ERR_ACK_TIMEOUT`. With 0, only `ack: 'later'` on a live connection succeeds. Default: the endpoint's
     * `openTimeout`, 30 s.
     */
    timeout?: number | undefined;
}
/**
 * Retry policy of dials. The endpoint redials while a call waits, within the call's timeout, or {@link Endpoint.keep} is active.
 * Exponential backoff with full jitter.
 *
 * Not retried: a peer that rejects this key, a peer that speaks none of this library's ALPNs, and a peer without a known address.
 */
interface ConnectOptions {
    /** Redials per call after its first failed dial; 0 means none. Default: unlimited within the call's timeout. */
    retries?: number | undefined;
    /**
     * Upper bound of the first delay, in milliseconds, at most `maxDelay`. It doubles with each failure. Default: 100, or `maxDelay` if
     * that is less.
     */
    minDelay?: number | undefined;
    /** Upper bound of every delay, in milliseconds. Default: 30 s, or `minDelay` if that is more. */
    maxDelay?: number | undefined;
    /** Timeout of one dial, in milliseconds. Handshakes that peers begin always have 10 s. Default: 10 s. */
    attemptTimeout?: number | undefined;
}
/** Network path of a connection: direct or through a relay. */
interface ConnectionPath {
    /** `address:port`, or the relay's URL. */
    readonly address: string;
    /** Whether the path goes through a relay. */
    readonly relay: boolean;
    /** Whether the connection currently uses this path. */
    readonly selected: boolean;
    /** Round-trip time in milliseconds. */
    readonly rtt: number;
}
/** Counters of a connection since it was established. */
interface ConnectionStats {
    /** UDP payload bytes sent. */
    readonly bytesSent: number;
    /** UDP payload bytes received. */
    readonly bytesReceived: number;
    /** UDP datagrams sent. */
    readonly datagramsSent: number;
    /** UDP datagrams received. */
    readonly datagramsReceived: number;
    /** QUIC packets declared lost. */
    readonly lostPackets: number;
    /** Open streams plus held {@link Connection} objects. */
    readonly streams: number;
}
/** How a connection ended. */
interface ConnectionClosed {
    /** Close code; 0 if there was none. A bigint above 2^53 - 1. */
    readonly code: number | bigint;
    /** Reason from the closing side, or a description of the failure. Control characters are escaped: `\n`, `\u{1b}`. */
    readonly reason: string;
    /** Who ended the connection: this side, the peer, or a network failure. */
    readonly by: 'local' | 'peer' | 'network';
}
/** Immutable snapshot of a peer. */
interface PeerInfo {
    /** ID52 of the peer. */
    readonly id52: string;
    /**
     * Whether the endpoint tracks the peer. False only in the last item of {@link Endpoint.watch} for a peer: it was unused for
     * `idleTimeout`, or the endpoint closes. The peer may be tracked again later.
     */
    readonly tracked: boolean;
    /**
     * State of the peer:
     *
     * - `'connected'`: it has a connection for new streams
     * - `'dialling'`: a dial is in progress
     * - `'backing-off'`: the last dial failed, and the next starts after `nextRetry`
     * - `'idle'`: it has no connection, and no call needs one
     */
    readonly state: 'idle' | 'dialling' | 'connected' | 'backing-off';
    /** Whether {@link Endpoint.keep} is active. */
    readonly kept: boolean;
    /** Failed dials since the last connection, or since a call first needed one. */
    readonly attempts: number;
    /** Failure of the last dial or connection; `null` while connected, or if nothing failed. */
    readonly lastError: FastnNetError | null;
    /** Milliseconds from this snapshot to the next dial; `null` unless the state is `'backing-off'`. */
    readonly nextRetry: number | null;
    /** Live connections, the preferred one first. Usually one, briefly two. */
    readonly connections: readonly PeerConnection[];
}
/** A peer's connection in a {@link PeerInfo}. */
interface PeerConnection {
    /** Negotiated ALPN. */
    readonly alpn: string;
    /** Whether this side dialled the connection. */
    readonly dialled: boolean;
    /** Whether new streams use this connection. */
    readonly preferred: boolean;
    /** Known network paths, direct or through a relay. */
    readonly paths: readonly ConnectionPath[];
    /** Counters of bytes, datagrams and streams. */
    readonly stats: ConnectionStats;
}

/**
 * Bidirectional byte stream. Each half ends on its own.
 *
 * All calls that read, iteration and `readable` share one reader, and one continues where another stopped.
 * While one of them is pending, another call rejects with `ERR_READ_PENDING`.
 *
 * A pending call keeps the process alive. Every call can also reject with the error that ended the whole stream:
 * `ERR_CONNECTION_LOST`, `ERR_CLOSED`, and with `ack: 'later'` the peer's refusal or `ERR_ACK_TIMEOUT`.
 */
declare abstract class ByteStream implements AsyncIterable<Uint8Array<ArrayBuffer>>, AsyncDisposable {
    #private;
    /**
     * Reads the available bytes, and waits if there are none. Resolves with `null` at EOF.
     *
     * A chunk above 4 KiB has a buffer of its own. Smaller chunks may share a buffer of 16 KiB, which stays in memory while one of them
     * does. Copy a small chunk to keep it for long, or to transfer its buffer.
     *
     * Cancel-safe: an aborted read loses no bytes.
     *
     * @throws {FastnNetError} `ERR_STREAM_RESET` with `errorCode` if the peer reset the stream. `ERR_STREAM_STOPPED` after {@link stop}.
     * `ERR_READ_PENDING`.
     *
     * @example
     * for (let chunk = await stream.read(); chunk !== null; chunk = await stream.read()) console.log(chunk.length)
     */
    read(options?: CancelOptions & {
        into?: undefined;
    }): Promise<Uint8Array<ArrayBuffer> | null>;
    /**
     * Reads into `into` and resolves with the number of bytes; `null` at EOF. The fastest way to read bulk data. Cancel-safe.
     *
     * @throws {FastnNetError} The errors of a read without `into`. `ERR_INVALID_ARGUMENT` if `into` is empty, shared or detached.
     */
    read(options: ReadIntoOptions): Promise<number | null>;
    /** Reads with an optional `into`: resolves with a count if it is set, else with bytes; `null` at EOF. Cancel-safe. */
    read(options: CancelOptions & {
        into?: Uint8Array | undefined;
    }): Promise<Uint8Array<ArrayBuffer> | number | null>;
    /**
     * Writes bytes, or a string as UTF-8. Resolves once flow control has accepted the whole chunk; the chunk may then be reused, but
     * may not have arrived yet.
     *
     * Writes are sent in call order and never interleave. Do not transfer or resize the chunk's buffer while the write is pending: the
     * write then fails like an aborted one.
     *
     * Aborting a write before any of its bytes are accepted leaves the stream unchanged. Aborting a partly accepted write resets the
     * stream with code 0x101.
     *
     * @throws {FastnNetError} `ERR_STREAM_STOPPED` with `errorCode` if the peer stopped reading. `ERR_STREAM_FINISHED` after
     * {@link finish}. `ERR_STREAM_RESET` after {@link reset}. `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * for await (const chunk of createReadStream(path)) await stream.write(chunk)
     */
    write(chunk: Uint8Array | string, options?: CancelOptions): Promise<void>;
    /**
     * Sends an optional last chunk and FIN. Resolves once flow control has accepted both; {@link closed} resolves once they have
     * arrived. The receiving half stays open.
     *
     * {@link Endpoint.close} waits for a pending call, within its timeout; then the call rejects with `ERR_CLOSED`.
     *
     * A second call without a chunk waits for the first. Its signal only ends its own wait. Aborting works as for {@link write}: if
     * nothing was accepted, the stream stays open.
     *
     * @throws {FastnNetError} The errors of {@link write}, also without a chunk: once the connection has ended, earlier data may not have
     * arrived.
     *
     * @example
     * await stream.finish('the last bytes')
     * await stream.closed // they have arrived
     */
    finish(chunk?: Uint8Array | string, options?: CancelOptions): Promise<void>;
    /**
     * Aborts sending. Undelivered data is dropped, and pending writes reject. The peer sees `ERR_STREAM_RESET` with this code instead of
     * EOF. No-op once sending has ended.
     *
     * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * stream.reset(42) // the peer's read fails with ERR_STREAM_RESET and errorCode 42
     */
    reset(code?: number | bigint): void;
    /**
     * Stops reading. A pending read rejects, and the peer's writes fail with `ERR_STREAM_STOPPED` and this code. No-op after EOF.
     *
     * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * stream.stop() // the peer's write fails with ERR_STREAM_STOPPED
     */
    stop(code?: number | bigint): void;
    /**
     * Iterates over chunks until EOF. Leaving the loop early, with `break`, `return` or an error, calls {@link stop}. To go on after a
     * part of the bytes, call {@link read}.
     *
     * Await each `next()` before the next one: a second one fails with `ERR_READ_PENDING` while the first waits. `return()` ends a `next()`
     * that waits, with `done`.
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<Uint8Array<ArrayBuffer>>;
    /**
     * Receiving half as a web byte stream; supports BYOB readers. Canceling it calls {@link stop}, with the reason as the code if that is
     * a number. Waits for a pending read of another kind.
     *
     * Fails with the stream or its connection, even while no call reads. A reset by the peer fails it at once; any other failure follows
     * the bytes that arrived before. Only reading shows a reset, so up to 64 KiB are read ahead. A reset behind more unread bytes fails
     * a later read.
     *
     * @example
     * await stream.readable.pipeThrough(new DecompressionStream('gzip')).pipeTo(destination)
     */
    get readable(): ReadableStream<Uint8Array<ArrayBuffer>>;
    /**
     * Sending half as a web stream of bytes or strings. Closing it calls {@link finish}. Aborting it calls {@link reset}, with the reason
     * as the code if that is a number. Fails with the stream or its connection, even while no call writes.
     *
     * @example
     * await new Blob(['hello']).stream().pipeTo(stream.writable)
     */
    get writable(): WritableStream<Uint8Array | string>;
    /**
     * Completion of sending.
     *
     * - Resolves once the peer has acknowledged everything up to FIN, or needs no more of it.
     * - Rejects if sending was reset, stopped, refused or lost before that. It rejects as soon as the peer stops reading or the
     *   connection ends, even while no call is pending: so a handler notices that its caller has left.
     * - Does not depend on the receiving half, which the peer may reset or keep open.
     *
     * Never causes an unhandled rejection. Reading this property costs about as much as a small write and keeps the stream in memory
     * until it settles. After {@link finish}, it also keeps the process alive until then.
     */
    get closed(): Promise<void>;
    /**
     * Aborts when the stream fails, so that a handler can stop working for a caller that has left. `signal.reason` says why:
     *
     * | reason | when |
     * |---|---|
     * | `ERR_STREAM_RESET` | the peer or this side reset the stream, or its handler failed |
     * | `ERR_STREAM_STOPPED` | the peer reads no more: it has left or is no longer interested |
     * | `ERR_CONNECTION_LOST` | the connection ended |
     * | `ERR_CLOSED` | this endpoint closed |
     * | the refusal, or `ERR_ACK_TIMEOUT` | the peer did not accept a stream with `ack: 'later'` |
     *
     * Does not abort when the stream ends well, and not when the peer only finishes its half. A peer that has read everything and disposes
     * the stream has not failed it either.
     *
     * From its first use on, up to 64 KiB are read ahead, because only reading shows a reset; a reset behind more than that aborts once
     * they are read. Keeps the stream in memory until it ends, but not the process alive.
     *
     * @example
     * const answer = await fetch(url, { signal: stream.signal })
     */
    get signal(): AbortSignal;
    /** Lets pending and later calls keep the process alive. This is the default. */
    ref(): this;
    /** Stops pending and later calls from keeping the process alive, including {@link closed} after a later {@link finish}. */
    unref(): this;
    /**
     * Resets the sending half unless it was finished, and stops reading; both with code 0. A pending `finish` rejects with
     * `ERR_STREAM_RESET`; data of a resolved `finish` is still delivered. Idempotent. To end well, call {@link finish} before.
     */
    close(): Promise<void>;
    /** Like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A {@link ByteStream} with calls for lines, JSON and whole texts.
 *
 * A line ends with `\n`. {@link writeLine} and {@link writeJson} send one; {@link nextString} and {@link nextJson} wait for one.
 */
declare abstract class MessageStream extends ByteStream {
    /**
     * Writes a line: the text and a `\n`, in one write. Resolves and aborts like {@link write}.
     *
     * @throws {FastnNetError} The errors of {@link write}. `ERR_INVALID_ARGUMENT` if `text` has a newline or is not a string.
     *
     * @example
     * await stream.writeLine('hello')
     */
    writeLine(text: string, options?: CancelOptions): Promise<void>;
    /**
     * Writes a value as a line of JSON, in one write. Resolves and aborts like {@link write}.
     *
     * @throws {FastnNetError} The errors of {@link write}. `ERR_INVALID_ARGUMENT` if JSON would drop or change a part of the value, as it does
     * with bytes, a `Map`, an instance of a class without `toJSON`, `NaN`, a bigint, a function, `undefined` in an array or as the whole value;
     * and for a cycle. A property that is `undefined` is left out.
     *
     * @example
     * await stream.writeJson({ hello: 'world' })
     */
    writeJson(value: unknown, options?: CancelOptions): Promise<void>;
    /**
     * Reads one line, without its `\n`. Later bytes stay for the next read of any kind. Cancel-safe.
     *
     * A truncated last line is reported once: the next call fails with an empty `partial`, like every call at EOF.
     *
     * @throws {FastnNetError} The errors of {@link read}. `ERR_UNEXPECTED_END` at EOF, with the text of a truncated line in `partial`.
     * `ERR_LINE_TOO_LONG`. `ERR_UTF8`. After these three, {@link read} returns the bytes of the line.
     */
    nextString(options?: LineOptions): Promise<string>;
    /**
     * Reads one line as JSON. The type parameter is not checked. Cancel-safe.
     *
     * @throws {FastnNetError} The errors of {@link nextString}. `ERR_JSON` if the line is not JSON; the line is consumed.
     *
     * @example
     * const { hello } = await stream.nextJson<{ hello: string }>()
     */
    nextJson<T = Json>(options?: LineOptions): Promise<T>;
    /**
     * Iterates over lines until EOF. The last line needs no `\n`. Leaving the loop leaves the stream open.
     *
     * Await each `next()` before the next one: a second one fails with `ERR_READ_PENDING` while the first waits. `return()` ends a `next()`
     * that waits, with `done`, and loses nothing.
     *
     * @throws {FastnNetError} Each step: the errors of {@link nextString} except `ERR_UNEXPECTED_END`.
     *
     * @example
     * for await (const line of stream.lines()) console.log(line)
     */
    lines(options?: LineOptions): AsyncIterableIterator<string>;
    /**
     * Reads everything up to EOF, which the peer sends with {@link finish}. The bytes have a buffer of their own.
     *
     * Cancel-safe: after an abort or an error, the next read continues with the first byte.
     *
     * @throws {FastnNetError} The errors of {@link read}. `ERR_TOO_LARGE` as soon as the peer has sent more than `maxBytes`; all of it
     * stays unread.
     *
     * @example
     * const image = await stream.bytes({ maxBytes: 5_000_000 })
     */
    bytes(options?: BodyOptions): Promise<Uint8Array<ArrayBuffer>>;
    /**
     * Reads everything up to EOF as text. Cancel-safe, see {@link bytes}.
     *
     * @throws {FastnNetError} The errors of {@link bytes}. `ERR_UTF8`; {@link bytes} then returns what was read.
     *
     * @example
     * await stream.finish('What time is it?')
     * console.log(await stream.text())
     */
    text(options?: BodyOptions): Promise<string>;
    /**
     * Reads everything up to EOF as JSON. The type parameter is not checked. Cancel-safe, see {@link bytes}.
     *
     * @throws {FastnNetError} The errors of {@link text}. `ERR_JSON` if the text is not JSON; the text is consumed.
     */
    json<T = Json>(options?: BodyOptions): Promise<T>;
}

/** Base of the async iterators over an endpoint's queues. Several calls of {@link next} may be pending at once. */
declare abstract class QueueIterator<T> implements AsyncIterableIterator<T>, AsyncDisposable {
    #private;
    /** Waits for the next item. */
    next(): Promise<IteratorResult<T, undefined>>;
    /** Closes the queue. Pending calls of {@link next} resolve with `done: true`. */
    return(): Promise<IteratorResult<T, undefined>>;
    /** Returns this iterator. */
    [Symbol.asyncIterator](): this;
    /** Closes the queue, like {@link return}. Idempotent. */
    close(): Promise<void>;
    /** Closes the queue, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A {@link ByteStream} to a peer, for one protocol. {@link MessageStream} has its calls for lines, JSON and whole texts.
 *
 * @example
 * await using stream = await endpoint.getStream(peer, 'Echo')
 * await stream.finish('hello\n')
 * console.log(await stream.nextString())
 */
declare class PeerStream extends MessageStream {
    #private;
    private constructor();
    /** Protocol that the opener requested. */
    get protocol(): Protocol;
    /** ID52 of the peer, authenticated by the handshake. */
    get remoteId52(): string;
    /** QUIC stream id, unique within the connection. */
    get id(): number;
    /**
     * Connection of this stream. Does not hold off the connection's idle timeout.
     *
     * @throws {FastnNetError} `ERR_CLOSED` if the connection has closed.
     */
    get connection(): Connection;
}
/**
 * Handle to the QUIC connection with a peer, which the endpoint owns. Disposing or garbage-collecting the handle does not close the
 * connection; {@link close} does, for all of its users.
 *
 * A handle from {@link Endpoint.connect} or {@link Endpoint.accept} holds off the idle timeout until it is disposed.
 * {@link PeerStream.connection} only observes.
 */
declare class Connection implements AsyncDisposable {
    #private;
    private constructor();
    /** ID52 of the peer. */
    get remoteId52(): string;
    /** Negotiated ALPN: `/fastn-net/1`, `/fastn/entity/0.1` or `/kulfi/identity/0.1`. */
    get alpn(): string;
    /** Whether this side dialled the connection. */
    get dialled(): boolean;
    /** Round-trip time of the selected path, in milliseconds; `null` if it is unknown or the connection has closed. */
    get rtt(): number | null;
    /** Known network paths; empty once the connection has closed. */
    get paths(): readonly ConnectionPath[];
    /**
     * Returns the connection's counters.
     *
     * @throws {FastnNetError} `ERR_CLOSED` if this handle is disposed.
     */
    stats(): ConnectionStats;
    /**
     * Accepts streams of these protocols on this connection. Takes precedence over the endpoint's listeners. The loop ends without an
     * error once the connection has closed and all earlier streams are taken.
     *
     * Waiting for a stream keeps the process alive while the endpoint is referenced.
     *
     * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if this connection has a listener for one of the protocols. `ERR_CLOSED`.
     * `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * for await (const stream of connection.acceptBi('Echo')) void handle(stream)
     */
    acceptBi(protocols: Protocol | readonly Protocol[], options?: CancelOptions): IncomingStreams;
    /**
     * Opens a stream on this connection. Never redials.
     *
     * @throws {FastnNetError} The errors of {@link Endpoint.getStream}, except those of dialling. `ERR_CLOSED` if this handle is
     * disposed. `ERR_INVALID_ARGUMENT` also on a connection dialled by an older peer, which accepts no streams on it.
     *
     * @example
     * await using stream = await connection.openBi('Echo')
     */
    openBi(protocol: Protocol, options?: OpenOptions): Promise<PeerStream>;
    /**
     * Resolves when the connection closes; never rejects. Waiting for it does not keep the process alive.
     *
     * @example
     * const { code, reason, by } = await connection.closed
     */
    get closed(): Promise<ConnectionClosed>;
    /**
     * Closes the connection for all of its users. No-op if it has closed.
     *
     * @param code Application error code below 2^62, a bigint from 2^53 on. 0x100 to 0x1ff are reserved. Default: 0.
     * @param reason Text for the peer, truncated to 256 bytes. Default: `''`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    close(code?: number | bigint, reason?: string): void;
    /** Releases this handle: it no longer holds off the idle timeout, and opens no streams. {@link closed} still settles. */
    [Symbol.asyncDispose](): Promise<void>;
}
/**
 * Async iterator over incoming streams. It serves its protocols from creation until it is left, aborted, or the endpoint closes. Queued
 * streams are then refused. {@link Connection.acceptBi} also ends with its connection, after the streams that arrived before.
 *
 * Waiting for a stream keeps the process alive while the endpoint is referenced.
 */
declare class IncomingStreams extends QueueIterator<PeerStream> {
    private constructor();
}

/** Message of the tracing channel `fastn-net:connect`: `connect`, or `getStream` without a live connection. */
interface ConnectMessage {
    /** ID52 of this endpoint. */
    readonly endpoint: string;
    /** ID52 of the peer. */
    readonly peer: string;
    /** Failure. Set from `error` on. */
    error?: unknown;
    /** The {@link Connection}, for `connect` only. Set from `asyncStart` on. */
    result?: unknown;
}
/** Message of the tracing channel `fastn-net:stream`: this side opens a stream, or a handler of `listen` runs. */
interface StreamMessage {
    /** ID52 of this endpoint. */
    readonly endpoint: string;
    /** ID52 of the peer. */
    readonly peer: string;
    /** Protocol of the stream. */
    readonly protocol: Protocol;
    /** `'out'`: this side opens the stream; ends once it is open. `'in'`: a handler serves a peer's stream; ends with the handler. */
    readonly direction: 'in' | 'out';
    /** The stream. Set from `asyncStart` on for `'out'`, always for `'in'`. */
    stream?: PeerStream;
    /** Failure. Set from `error` on. */
    error?: unknown;
    /** The stream for `'out'`, the handler's result for `'in'`. Set from `asyncStart` on. */
    result?: unknown;
}

/**
 * Ed25519 public key of a peer. Its string form is the ID52. Immutable.
 *
 * @example
 * PublicKey.from('i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60').toHex()
 */
declare class PublicKey {
    #private;
    private constructor();
    /**
     * Parses an ID52, 64 hex digits (both in any case), z-base-32 (52 characters), or 32 bytes, which are copied. Returns a
     * `PublicKey` unchanged.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS` if `key` is not a public key. `ERR_INVALID_ARGUMENT` for detached bytes.
     */
    static from(key: string | Uint8Array | PublicKey): PublicKey;
    /** ID52: 52 characters of lower-case base32hex. */
    get id52(): string;
    /** The key as 64 lower-case hex digits. */
    toHex(): string;
    /** A copy of the key's 32 bytes. */
    toBytes(): Uint8Array<ArrayBuffer>;
    /**
     * Whether `signature` is this key's signature of `bytes`. `false` if it is not 64 bytes long.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if an argument is not a `Uint8Array`, or is detached.
     *
     * @example
     * PublicKey.from(id52).verify(bytes, signature)
     */
    verify(bytes: Uint8Array, signature: Uint8Array): boolean;
    /** Whether `other` is the same public key. */
    equals(other: unknown): boolean;
    /** Returns the ID52. */
    toString(): string;
    /** Returns the ID52. */
    toJSON(): string;
}

/**
 * ID52 of a peer and where it may be reached. The object may have fields of its own, which are ignored. A misspelt name, such as `relay`, is
 * `ERR_INVALID_ARGUMENT`.
 */
interface PeerAddress {
    /** ID52 of the peer. */
    id52: string;
    /** Socket addresses, `address:port`. Default: none. */
    addresses?: readonly string[] | undefined;
    /** Relay URLs. Default: none. */
    relays?: readonly string[] | undefined;
    /** Excludes endpoints and secret keys. Pass their `publicKey`, or the endpoint's `address()`. */
    publicKey?: undefined;
}
/** Result of {@link Endpoint.address}: a {@link PeerAddress} with all fields. */
interface EndpointAddress extends PeerAddress {
    addresses: readonly string[];
    relays: readonly string[];
}
/** A peer: a string (ID52, hex, z-base-32 or a ticket), a public key, or an address. */
type Peer = string | PublicKey | PeerAddress;
/** Several peers: an array, a `Set`, or any other iterable. Not one string, although that is iterable too. */
type Peers = Iterable<Peer> & object;

/**
 * What happens to a stream that a peer opens:
 *
 * - `'allow'`: it is accepted. {@link Authorize.stream} is not called.
 * - `'deny'`: it is refused with `ERR_UNAUTHORIZED`
 * - `'ask'`: {@link Authorize.stream} decides; refused without that callback
 * - a {@link PolicyRate}: it is accepted within a rate, and refused with `ERR_BUSY` beyond it
 */
type PolicyEffect = 'allow' | 'deny' | 'ask' | PolicyRate;
/** How many streams a rule accepts. */
interface PolicyRate {
    /** Sustained rate of new streams. */
    readonly perSecond: number;
    /** New streams at once. Default: `perSecond`. */
    readonly burst?: number | undefined;
    /** `'peer'`: each peer has the rate for itself. `'all'`: all peers share it. Default: `'peer'`. */
    readonly of?: 'peer' | 'all' | undefined;
}
/** A rule of a {@link Policy}. It matches a stream if each of its parts does. */
interface PolicyRule {
    /** The peers. Rules that name the same array or `Set` object share it, which is cheaper. Default: every peer. */
    readonly peers?: Peers | undefined;
    /**
     * The protocol. `'Tcp'`, `'Http'`, `'Socks5'` and `Protocol.generic({ fastn: kind })`, such as `{ fastn: 'udp' }` or `{ fastn: 'rpc' }`, mean
     * every service of that kind, with or without a name. Default: every protocol.
     */
    readonly protocol?: Protocol | undefined;
    /** Name of a service, of any kind unless `protocol` is given; `''` for services without a name. Default: every stream. */
    readonly service?: string | undefined;
    /** What happens to the stream. */
    readonly effect: PolicyEffect;
}
/** Which peers may use which protocols and services. Of several rules that match a stream, the first decides. */
interface Policy {
    /** The rules, in order. */
    readonly rules: readonly PolicyRule[];
    /** What happens to a stream that no rule matches. Default: `'deny'`. */
    readonly otherwise?: PolicyEffect | undefined;
}

/** Access lists of an endpoint: ID52s, unordered. */
interface AccessLists {
    /** Peers that may connect; `null` means all. */
    readonly allow: readonly string[] | null;
    /** Peers that may not, even if `allow` lists them. */
    readonly deny: readonly string[];
}
/** Options of {@link Access.explain}. */
interface ExplainOptions {
    /** Name of the service that the stream is for; the protocol is then its kind, as in {@link PolicyRule.protocol}. Default: none. */
    service?: string | undefined;
}
/** Why a stream of a peer is accepted or refused: result of {@link Access.explain}. */
interface AccessDecision {
    /** What happens to the stream. */
    readonly effect: PolicyEffect;
    /**
     * What decides: the `'deny'` list, the `'allow'` list, which lacks the peer, a `'rule'` of the policy, its `'otherwise'`, or `'nothing'`,
     * because the lists admit the peer and there is no policy. The effect is then `'ask'`: accepted unless {@link Authorize.stream} refuses.
     */
    readonly by: 'deny' | 'allow' | 'rule' | 'otherwise' | 'nothing';
    /** The rule, as it was given. */
    readonly rule: PolicyRule | undefined;
    /** Its index among the rules. */
    readonly index: number | undefined;
}

/**
 * Access lists and policy of an endpoint, which can change at any time. They apply to incoming connections and to the endpoint's listeners, not to
 * peers that this endpoint dials. Only a peer's key counts, not its addresses.
 *
 * The lists are checked before {@link Authorize} is called: an excluded peer costs one handshake. A peer that loses access is
 * disconnected immediately with `ERR_UNAUTHORIZED`. Its queued streams reach no handler and no loop. On a closed endpoint, the lists
 * can still be read and changed.
 *
 * @example
 * endpoint.access.deny(stream.remoteId52)
 */
declare class Access {
    #private;
    private constructor();
    /**
     * Removes peers from the deny list, and adds them to the allow list if there is one.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
     */
    allow(peers: Peer | Peers): void;
    /**
     * Adds peers to the deny list and disconnects them.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
     */
    deny(peers: Peer | Peers): void;
    /**
     * Replaces the given lists; the other stays as it is. Disconnects peers that lose access, also those that this endpoint dialled. A dialled
     * peer that had none keeps its connection.
     *
     * @param lists `allow`: peers that may connect, `null` for all. `deny`: peers that may not.
     * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer; the lists are then unchanged.
     * `ERR_INVALID_ARGUMENT`.
     */
    set(lists: {
        allow?: Peers | null | undefined;
        deny?: Peers | undefined;
    }): void;
    /**
     * Snapshot of the lists.
     *
     * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
     */
    get lists(): AccessLists;
    /**
     * Replaces the policy as a whole; `null`: none, and every stream is accepted. It decides before {@link Authorize} is called, in a time that
     * does not grow with its rules. It does not restrict which peers this endpoint dials. Pings are always answered.
     *
     * What the new policy does not allow ends at once:
     *
     * - Open streams, those of tunnels too, fail at the peer with `ERR_STREAM_RESET` (code 0x105), and here with `ERR_UNAUTHORIZED`.
     * - A peer that may use nothing is disconnected with `ERR_UNAUTHORIZED`, unless this endpoint dialled it.
     * - Queued streams reach no handler and no loop.
     *
     * Streams that a handler or loop took while there was no policy go on: give the first policy to {@link EndpointOptions.policy}.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS` for an invalid peer. `ERR_INVALID_ARGUMENT`, for a rule that no stream can match too. The
     * policy is then unchanged.
     *
     * @example
     * endpoint.access.setPolicy({
     *   rules: [
     *     { peers: friends, protocol: 'Chat', effect: 'allow' },
     *     { service: 'web', effect: { perSecond: 10 } }
     *   ]
     * })
     */
    setPolicy(policy: Policy | null): void;
    /** The policy, as it was given; `null` if there is none. */
    get policy(): Policy | null;
    /**
     * Tells what happens to a stream that a peer opens, and what decides that. Counts nothing. {@link Authorize} callbacks are not called.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_CLOSED` if the endpoint was released after closing.
     *
     * @example
     * const { effect, by, rule } = endpoint.access.explain(id52, 'Tcp', { service: 'db' })
     */
    explain(peer: Peer, protocol: Protocol, options?: ExplainOptions): AccessDecision;
    /**
     * Runs the {@link Authorize} callbacks again. Call it when their results have changed. No-op without `authorize`.
     *
     * - `peer` runs for each incoming connection, and for each outgoing one that it authorized before. A rejected peer is disconnected with
     *   `ERR_UNAUTHORIZED`.
     * - `stream` runs for each queued stream. A rejected stream fails at the peer with `ERR_UNAUTHORIZED`, or with `ERR_STREAM_RESET`
     *   (code 0) if it was already acknowledged. Streams that a handler or loop has taken are not checked.
     * - Queued streams wait for the new result. Results still pending from before the call are requested again.
     *
     * Resolves once all callbacks have settled. A callback beyond {@link Authorize.maxPending} waits up to {@link Authorize.timeout} for its
     * turn, then rejects. Keeps the process alive until it resolves.
     *
     * @param options `signal`: ends the wait, which rejects with its reason; reauthorization continues.
     * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * await database.revoke(id52)
     * await endpoint.access.reauthorize()
     */
    reauthorize(options?: CancelOptions): Promise<void>;
}

/**
 * Callbacks that authorize incoming connections and streams. Only `true` authorizes: `false`, an error and a timeout reject. Returning
 * a boolean is cheaper than returning a promise.
 *
 * A result holds for the life of the connection or stream, until {@link Access.reauthorize}. The lists {@link EndpointOptions.allow} and
 * {@link EndpointOptions.deny} are checked first. Pending callbacks do not keep the process alive.
 *
 * Must be a plain object, like all options: to use a class instance, pass `{ peer: id52 => policy.peer(id52) }`.
 *
 * @example
 * await getEndpoint(secretKey, { authorize: { peer: id52 => database.isMember(id52) } })
 */
interface Authorize {
    /**
     * Authorizes a peer. Called once per incoming connection, before any ping is answered or stream is read. A rejection closes the
     * connection; the peer gets `ERR_UNAUTHORIZED` and does not retry.
     *
     * On an outgoing connection it is called when the peer first opens a stream. A rejection then ends that and later streams only.
     *
     * Default: every peer is authorized.
     */
    peer?: ((id52: string) => boolean | Promise<boolean>) | undefined;
    /**
     * Authorizes a stream, before it is acknowledged. Called for protocols with a listener only. A rejection ends that stream with
     * `ERR_UNAUTHORIZED`. Other streams do not wait for the result. Default: every stream is authorized.
     *
     * `protocol` is a string wherever a string means it: `protocol === 'Echo'`. For other values, use {@link Protocol.equals}.
     */
    stream?: ((id52: string, protocol: Protocol) => boolean | Promise<boolean>) | undefined;
    /** Timeout of a callback in milliseconds; then it rejects. Default: 5 s. */
    timeout?: number | undefined;
    /** Pending callbacks of all peers. More are refused with `ERR_BUSY`. Default: 4,096. */
    maxPending?: number | undefined;
    /** Pending callbacks per peer. Default: 1,024. */
    maxPendingPerPeer?: number | undefined;
    /**
     * Receives what `peer` or `stream` threw or rejected with, after the rejection. `protocol` is `null` for `peer`.
     * Default: a process warning, once per error code.
     */
    onError?: ((error: unknown, id52: string, protocol: Protocol | null) => unknown) | undefined;
}

/**
 * Async iterator over incoming connections. It accepts them from creation until it is left, aborted, or the endpoint closes.
 * Connections already accepted stay open.
 *
 * Waiting for a connection keeps the process alive while the endpoint is referenced.
 */
declare class IncomingConnections extends QueueIterator<Connection> {
    private constructor();
}

/**
 * Serves protocols on an endpoint, from its creation by {@link Endpoint.listen} on. Garbage collection does not end it.
 *
 * @example
 * await using listener = endpoint.listen({ Echo: stream => stream.finish('hello\n') })
 * await listener.ready
 */
declare class Listener implements AsyncDisposable {
    #private;
    /** Protocols that have a handler, in the order in which they were given. */
    readonly protocols: readonly Protocol[];
    private constructor();
    /**
     * Resolves once the protocols are served, and peers can open streams. Rejects if they cannot be. Resolves if the signal was already
     * aborted, although nothing is served.
     *
     * Never causes an unhandled rejection. A failure is a process warning if neither `ready` nor {@link closed} was read by the next turn
     * of the event loop.
     *
     * Rejects with `ERR_PROTOCOL_IN_USE` if a protocol already has a listener, with `ERR_SHUTTING_DOWN`, or with `ERR_CLOSED`.
     */
    get ready(): Promise<void>;
    /**
     * Resolves when listening has ended and running handlers have settled. It waits for the handlers at most
     *
     * - the timeout of {@link close}
     * - the endpoint's `closeTimeout`, after the signal
     * - until the endpoint closes, after {@link Endpoint.drain} or in the shutdown of the endpoint's {@link Graceful}
     *
     * Rejects with the error of {@link ready} if listening failed. Never causes an unhandled rejection.
     */
    get closed(): Promise<void>;
    /**
     * Stops listening: new streams are refused, and acknowledged ones that no handler has taken are reset with code 0. Running handlers
     * continue. While the endpoint drains, handlers still take the acknowledged streams.
     *
     * Resolves like {@link closed}, but also if listening had failed. Idempotent. Do not await it in a handler, which it waits for.
     *
     * @param options `timeout`: how long to wait for running handlers, which continue afterwards. Default: the endpoint's `closeTimeout`,
     * 5 s. `signal`: ends the wait only.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    close(options?: TimeoutOptions): Promise<void>;
    /** Stops listening, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Handles an incoming stream. When it returns, or its promise resolves, the stream is finished, and reading stops: await the work in it.
 * Its value is ignored: write the answer to the stream, or answer requests with {@link Endpoint.serve}. When it throws, the stream is reset
 * with code 0x102. A generator (`async function*`) is an error, because nothing would run it: write lines or chunks in a loop, or use `serve`.
 *
 * A stream that was passed to `duplex`, or whose `readable` or `writable` was used, stays open until those have ended, even after the
 * handler returns.
 *
 * `stream.signal` aborts when the caller leaves. Pass it on to whatever the handler waits for.
 */
type StreamHandler = (stream: PeerStream) => unknown;
/** A type that no handler has. A compiler's error names the property that is missing: why there is none. */
type NoHandler<Why extends string> = StreamHandler & {
    readonly [Reason in Why]: never;
};
/**
 * Handlers by protocol: an object keyed by protocol name, or `[protocol, handler]` pairs for any protocol. A name that is not a unit
 * protocol means `{ Generic: name }`. The library answers `Ping` itself.
 *
 * At least one protocol is required, unless {@link ListenOptions.fallback} is set.
 */
type StreamHandlers = {
    readonly [name: string]: StreamHandler | undefined;
    /** Not allowed: the library answers pings. */
    readonly Ping?: NoHandler<'the library answers Ping itself'> | undefined;
    /** Not allowed: use a pair with `Protocol.generic(value)`. */
    readonly Generic?: NoHandler<'write [[Protocol.generic(value), handler]]'> | undefined;
} | readonly (readonly [Protocol, StreamHandler])[];
/** Options of {@link Endpoint.listen}. */
interface ListenOptions {
    /** Stops listening, without an error. Running handlers have the endpoint's `closeTimeout` to settle. */
    signal?: AbortSignal | undefined;
    /** Handles Generic protocols that have no listener; see `stream.protocol`. Default: they are refused. */
    fallback?: StreamHandler | undefined;
    /**
     * Receives what a handler threw, after its stream was reset. Default: a process warning, once per error code, but none for an error that
     * only tells that the peer has left, that this endpoint was closed, or that a `Graceful` shuts down.
     */
    onError?: ((error: unknown, stream: PeerStream) => unknown) | undefined;
}

/**
 * Async iterator over peers: first each tracked peer, then each peer that changes. Ends when it is left, aborted, or the endpoint closes.
 *
 * Never builds a backlog: a slow consumer gets the latest snapshot of each changed peer. Waiting does not keep the process alive.
 */
declare class PeerChanges extends QueueIterator<PeerInfo> {
    private constructor();
}
/**
 * Keeps a peer connected until {@link close}, disposal, or the endpoint closes. Garbage collection does not end it. Created by
 * {@link Endpoint.keep}.
 */
declare class KeepConnected implements Disposable, AsyncDisposable {
    #private;
    /** ID52 of the peer. */
    readonly id52: string;
    private constructor();
    /** Stops redialling. The connection stays open while it is used. Idempotent. */
    close(): void;
    /** Stops redialling, like {@link close}. */
    [Symbol.dispose](): void;
    /** Stops redialling, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/** Options of every exposed service. */
interface ExposedServiceOptions extends CancelOptions {
    /**
     * Peers that may use the service, or `'public'` for every peer that the endpoint admits. Peers are matched by key only. Checked for each
     * connection, in addition to {@link Endpoint.access} and `authorize`.
     */
    allow: Peers | 'public';
    /**
     * Name of the service, of at most 255 bytes. An endpoint exposes one TCP service without a name, and any number with one. Older peers
     * reach only the one without. Default: none.
     */
    service?: string | undefined;
}
/** Options of {@link Endpoint.exposeTcp}. */
interface ExposeOptions extends ExposedServiceOptions {
    /** Connect timeout of the target, in milliseconds. Default: 9 s, below the peer's `ackTimeout`. */
    connectTimeout?: number | undefined;
}
/** Options of {@link Endpoint.bridgeTcp}. */
interface BridgeOptions extends CancelOptions {
    /** The peer that exposes the service. */
    peer: Peer;
    /** Name of the service, as the peer exposes it. Default: none. */
    service?: string | undefined;
    /** Local port; 0 picks a free one. Default: 0. */
    port?: number | undefined;
    /** Local address or name. Any program that can reach it can use the service. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Path of a Unix socket, instead of `host` and `port`. Not on Windows. Default: none. */
    path?: string | undefined;
    /** Maximum local connections. Further ones wait to be accepted. Default: 4096. */
    maxConnections?: number | undefined;
    /** Timeout for reaching the peer, in milliseconds, per connection. Default: the endpoint's `openTimeout`, 30 s. */
    openTimeout?: number | undefined;
}
/** Options of {@link Endpoint.exposeUdp}. */
interface ExposeUdpOptions extends ExposedServiceOptions {
    /** How long a flow may carry no datagram, in milliseconds. Default: 60 s. */
    flowTimeout?: number | undefined;
}
/** Options of {@link Endpoint.bridgeUdp}. */
interface BridgeUdpOptions extends Omit<BridgeOptions, 'path' | 'maxConnections'> {
    /** Maximum flows, one per client address. Datagrams of further clients are dropped. Default: 4096. */
    maxFlows?: number | undefined;
    /** How long a flow may carry no datagram, in milliseconds. Default: 60 s. */
    flowTimeout?: number | undefined;
}
/** A target: `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path. */
type TunnelTarget = string | number;
/** Options of {@link Endpoint.exposeProxy}. */
interface ExposeProxyOptions extends ExposeOptions {
    /**
     * Destinations that peers may reach, at least one rule. Each may end in `:port` or `:port-port`.
     *
     * - `'example.com'`, `'*.example.com'` (its subdomains), `'*'` (every host): public addresses only.
     * - `'10.1.0.0/16'`, `'fd00::/8'`, `'127.0.0.1'`: these addresses, by any name. IPv6 with a port needs brackets:
     *   `'[fd00::/8]:443'`.
     * - `'db.internal@10.0.0.0/8'`: this host, at addresses in this range.
     *
     * Non-public addresses (loopback, private, link-local, multicast, NAT64, 6to4, …) need a range within their block:
     * `'0.0.0.0/0'` does not allow `10.0.0.1`, `'10.0.0.0/8'` does.
     */
    targets: readonly string[];
}
/** Options of {@link Endpoint.proxy} and {@link Endpoint.socks5}. */
interface ProxyOptions extends Omit<BridgeOptions, 'peer'> {
}

/**
 * A running tunnel: a service that an endpoint exposes, or a bridge to one. Created by {@link Endpoint.exposeTcp},
 * {@link Endpoint.bridgeTcp}, {@link Endpoint.exposeUdp}, {@link Endpoint.bridgeUdp}, {@link Endpoint.exposeHttp},
 * {@link Endpoint.bridgeHttp}, {@link Endpoint.exposeProxy}, {@link Endpoint.proxy} and {@link Endpoint.socks5}. Garbage collection does
 * not close it.
 *
 * Keeps the process alive until it has closed, except after {@link unref}.
 *
 * @example
 * await using bridge = await endpoint.bridgeTcp({ peer, service: 'database' })
 * const client = new Client({ host: '127.0.0.1', port: bridge.port })
 */
declare class Tunnel implements AsyncDisposable {
    #private;
    /**
     * Local address of a bridge: `'127.0.0.1:5432'`, `'[::1]:5432'`, or `'unix:'` and a path. `null` for an exposed service.
     */
    readonly address: string | null;
    /** Local port of a bridge. `null` for a Unix socket, and for an exposed service. */
    readonly port: number | null;
    /**
     * URL of a bridge for clients: `'tcp://127.0.0.1:5432'`, `'http://127.0.0.1:8080'`, `'socks5h://127.0.0.1:1080'`. `null` for a Unix socket,
     * and for an exposed service.
     */
    readonly url: string | null;
    /**
     * Resolves when the tunnel has stopped accepting and its connections have ended: after {@link close}, the signal,
     * {@link Endpoint.drain}, {@link Endpoint.close}, or the shutdown of the endpoint's {@link Graceful}. Never rejects.
     */
    readonly closed: Promise<void>;
    private constructor();
    /** Number of current connections or UDP flows. */
    get connections(): number;
    /**
     * Stops accepting immediately, and waits for current connections. They are reset after the timeout. Idempotent; a later call can only
     * shorten the remaining time.
     *
     * @param options `timeout`: time for current connections. Default: the endpoint's `closeTimeout`, 5 s. `signal`: cancels only the wait.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     */
    close(options?: TimeoutOptions): Promise<void>;
    /** Makes the tunnel keep the process alive. This is the default. */
    ref(): this;
    /** Stops the tunnel from keeping the process alive. */
    unref(): this;
    /** Closes the tunnel, like {@link close}. */
    [Symbol.asyncDispose](): Promise<void>;
}

/** Options of {@link Endpoint.exposeHttp}. */
interface ExposeHttpOptions extends CancelOptions {
    /**
     * Peers that may use the service, or `'public'` for every peer that the endpoint admits. Peers are matched by key only. Checked for each
     * stream, in addition to {@link Endpoint.access} and `authorize`.
     */
    allow: Peers | 'public';
    /**
     * Name of the service, of at most 255 bytes. An endpoint serves one HTTP service without a name, and any number with one. Default:
     * none.
     */
    service?: string | undefined;
    /**
     * `Host` header for the target: `'client'`, as sent by the client; `'target'`, host and port of the target; or a host. Default: `'client'`; for a target with `https`, `'target'`.
     */
    hostHeader?: string | undefined;
    /** Certificates in PEM that are trusted instead of the system's, for a target with `https`. Default: none. */
    certificates?: string | undefined;
    /** Connect timeout of the target in milliseconds, including the TLS handshake. Then: status 504. Default: 9 s. */
    connectTimeout?: number | undefined;
    /** How long the target may neither read the request nor respond, in milliseconds. Then: status 504. Default: 60 s. */
    responseTimeout?: number | undefined;
}
/** A peer's HTTP service. */
interface HttpDestination {
    /** The peer that exposes it. */
    peer: Peer;
    /** Name of the service, as the peer exposes it. Default: none. */
    service?: string | undefined;
}
/** Options of {@link Endpoint.bridgeHttp}. */
interface BridgeHttpOptions extends CancelOptions {
    /**
     * The peer for `localhost` and IP addresses. The bridge then reaches only this peer and those in `hosts`. Without it, the bridge reaches
     * every peer whose ID52 is in the request's `Host`. Default: none.
     */
    peer?: Peer | undefined;
    /** Name of the service of `peer`, as it exposes it. Default: none. */
    service?: string | undefined;
    /** Peers or their services by host. `{ shop: peer }` adds `http://shop.localhost:port`. Default: none. */
    hosts?: Readonly<Record<string, Peer | HttpDestination>> | undefined;
    /** Local port; 0 picks a free one. Default: 0. */
    port?: number | undefined;
    /** Local address or name. Any program that can reach it can use the services. Default: `'127.0.0.1'`. */
    host?: string | undefined;
    /** Path of a Unix socket, instead of `host` and `port`. Not on Windows. Default: none. */
    path?: string | undefined;
    /** Maximum local connections. Further ones wait to be accepted. Default: 4096. */
    maxConnections?: number | undefined;
    /** Timeout for reaching the peer, in milliseconds, per request. Default: the endpoint's `openTimeout`, 30 s. */
    openTimeout?: number | undefined;
}

/**
 * Options of {@link Endpoint.fetch}: those of the global `fetch`, and a few more. Others are `ERR_INVALID_ARGUMENT`, such as `timeout`: pass
 * `signal: AbortSignal.timeout(ms)`. For a library that adds some of its own, pass `new Request(input, init)` on, which drops them.
 *
 * These have no effect between peers: `cache`, `credentials`, `dispatcher`, `duplex`, `keepalive`, `mode`, `priority`, `referrer`,
 * `referrerPolicy` and `window`. `integrity` is refused.
 */
interface FetchOptions extends Omit<RequestInit, 'body'> {
    /** Body, as for the global `fetch`. An async iterable of `Uint8Array` is streamed. */
    body?: RequestInit['body'] | AsyncIterable<Uint8Array> | null;
    /** Name of the peer's service. Default: `''`. */
    service?: string | undefined;
    /** Maximum head of the answer, in bytes. Default: 64 KiB. */
    maxHeaderBytes?: number | undefined;
    /** Maximum body of the answer, in bytes; reading more fails with `ERR_TOO_LARGE`. Default: no limit. */
    maxBodyBytes?: number | undefined;
}
/** Second argument of a handler of {@link Endpoint.serveHttp}. */
interface HttpContext {
    /** ID52 of the peer that sent the request, authenticated by the handshake. */
    readonly peer: string;
}
/** Answers a request. Hono's `app.fetch` and other handlers of the Fetch API have this shape. */
type HttpHandler = (request: Request, context: HttpContext) => Response | Promise<Response>;
/** Options of {@link Endpoint.serveHttp}. */
interface ServeHttpOptions {
    /** Name of the service. An endpoint serves any number of names. Default: `''`. */
    service?: string | undefined;
    /** Stops serving, without an error. Running handlers continue. */
    signal?: AbortSignal | undefined;
    /**
     * Receives errors of handlers, after the caller got status 500, and of their bodies. Default: a process warning, once per error code,
     * but none for an error that only tells that the caller has left, that this endpoint was closed, or that a `Graceful` shuts
     * down.
     */
    onError?: ((error: unknown, context: HttpContext) => unknown) | undefined;
    /** Maximum head of a request, in bytes; longer ones get status 431. Default: 64 KiB. */
    maxHeaderBytes?: number | undefined;
    /** Maximum body of a request, in bytes; longer ones get status 413. `Infinity`: no limit. Default: 16 MiB. */
    maxBodyBytes?: number | undefined;
    /** Timeout for a request's head, in milliseconds, including the next one on a stream. Default: 10 s. */
    headTimeout?: number | undefined;
}

/** A schema of any library that implements [Standard Schema](https://standardschema.dev): zod, valibot, arktype and others. */
interface StandardSchemaV1<Input = unknown, Output = Input> {
    /** Members that the standard defines. */
    readonly '~standard': StandardSchemaProps<Input, Output>;
}
/** Properties of a {@link StandardSchemaV1}. */
interface StandardSchemaProps<Input = unknown, Output = Input> {
    /** Version of the standard. */
    readonly version: 1;
    /** Name of the schema library. */
    readonly vendor: string;
    /** Checks a value. Returns it, perhaps transformed, or what is wrong with it. */
    readonly validate: (value: unknown) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
    /** Types only; never read. */
    readonly types?: {
        /** Type of the values that the schema takes. */
        readonly input: Input;
        /** Type of the values that it returns. */
        readonly output: Output;
    } | undefined;
}
/** Result of a {@link StandardSchemaV1}. */
type StandardSchemaResult<Output> = {
    /** The value, perhaps transformed. */
    readonly value: Output;
    /** Absent: the value matches. */
    readonly issues?: undefined;
} | {
    /** Description of the issue. */
    readonly issues: readonly StandardSchemaIssue[];
};
/** One way in which a value does not match a {@link StandardSchemaV1}. */
interface StandardSchemaIssue {
    /** Description of the issue. */
    readonly message: string;
    /** Keys from the value down to its wrong part. */
    readonly path?: readonly (PropertyKey | StandardSchemaPathSegment)[] | undefined;
}
/** A key in the path of a {@link StandardSchemaIssue}. */
interface StandardSchemaPathSegment {
    /** The key. */
    readonly key: PropertyKey;
}
/** Schema of a stream of messages: each item matches `items`. */
interface ItemsSchema<Items extends StandardSchemaV1 = StandardSchemaV1> {
    /** Schema of each item. */
    readonly items: Items;
}
/** Schema of a request or an answer: one value, or a stream of items. */
type MessageSchema = StandardSchemaV1 | ItemsSchema;
/** Type that a schema takes. */
type SchemaInput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['input'];
/** Type that a schema returns. */
type SchemaOutput<Schema extends StandardSchemaV1> = NonNullable<Schema['~standard']['types']>['output'];

/**
 * Options of a call that do not depend on its method.
 *
 * - The input is any value that JSON can represent. An async iterable is sent item by item, at the handler's pace.
 * - The answer is a value, or items (an async iterable) if the handler returns an async iterable. Leaving their loop tells the handler to
 *   stop.
 * - One stream, and no round trip more than the answer takes. Peers in Rust (fastn-p2p) answer too.
 *
 * Errors by cause:
 *
 * - the handler failed: `ERR_REMOTE`, with its message, `remoteName`, `remoteCode` and `data`
 * - a message does not match its schema: `ERR_SCHEMA`, with `issues`
 * - no answer in time: `ERR_CALL_TIMEOUT`
 * - a message is too long: `ERR_LINE_TOO_LONG`
 * - too many requests at once: `ERR_BUSY`
 * - the peer's answer is malformed: `ERR_JSON`, `ERR_UTF8`, `ERR_UNEXPECTED_END`
 * - arguments, and an input that JSON would drop or change, such as bytes or a `Map`: `ERR_INVALID_ARGUMENT`
 * - the errors of {@link Endpoint.getStream}
 */
interface RequestOptions {
    /** Cancels the request, at the peer too: its handler's `context.signal` aborts. The call rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
    /**
     * Time until the answer must begin, in milliseconds. Includes dialling, and the schemas of the input and of an answer that is one value.
     * The peer gets the rest of it: `context.deadline`. Then `ERR_CALL_TIMEOUT`, or `ERR_UNREACHABLE` without a connection. An answer
     * of items may last longer. Fractions are rounded up, 0 sends nothing, `Infinity` means none. Default: 10 s.
     */
    timeout?: number | undefined;
    /**
     * Longest message in bytes as JSON, sent or received; of items, the longest item. Then `ERR_LINE_TOO_LONG`. The serving side has its own
     * limit. Default: 16 MiB, towards older peers 1 MiB.
     */
    maxBytes?: number | undefined;
    /**
     * The request may be handled twice: repeats it, within the timeout, if its connection or stream was lost. Without it, only a request that
     * no handler can have seen is repeated. A request of items is never repeated. Default: false.
     */
    idempotent?: boolean | undefined;
}
/** Options of {@link Endpoint.call}. */
interface CallOptions<Schema extends MessageSchema | undefined = MessageSchema | undefined> extends RequestOptions {
    /** Schema that the answer must match, else `ERR_SCHEMA`; `{ items: schema }` for a stream of items. Default: none, and no check. */
    schema?: Schema;
}
/** Options of {@link Endpoint.call} with a schema, which gives the answer its type. */
interface SchemaCallOptions<Schema extends MessageSchema> extends CallOptions<Schema> {
    /** Schema that the answer must match, else `ERR_SCHEMA`; `{ items: schema }` for a stream of items. */
    schema: Schema;
}

/** Context of a request: everything besides the input. */
interface RequestContext {
    /** ID52 of the caller, authenticated by the handshake. */
    readonly remoteId52: string;
    /** Protocol of the request. */
    readonly protocol: Protocol;
    /**
     * When the caller gives up, in milliseconds as from `Date.now()` on this machine; `undefined` if it does not, or speaks the older
     * protocol. A handler that returns an async iterable must return it by then.
     */
    readonly deadline: number | undefined;
    /**
     * Aborts when the answer is of no more use:
     *
     * - the caller's signal aborts, its timeout passes, or it leaves the answer's loop: `ERR_STREAM_STOPPED` or `ERR_STREAM_RESET`
     * - the connection ends: `ERR_CONNECTION_LOST`
     * - this endpoint closes: `ERR_CLOSED`
     * - {@link deadline} passes: `ERR_CALL_TIMEOUT`
     *
     * Created on first use. Does not abort after the handler has settled; for an async iterable, after it has ended.
     */
    readonly signal: AbortSignal;
}

/**
 * A value that JSON can carry, as far as its outermost type tells: interfaces are fine; a `Map`, a `Set`, bytes, bigints, functions and
 * promises are not. An async iterable is sent as items.
 */
type Sendable = string | number | boolean | null | undefined | readonly unknown[] | AsyncIterable<unknown> | WithToJson | (object & PlainObject) | {
    readonly [name: string]: unknown;
};
/** An object that says what it is as JSON: a `Date`, a `URL`. A `Buffer` does, but not as bytes. */
interface WithToJson {
    /** Returns what is sent. */
    toJSON(key: string): unknown;
    /** Excludes bytes. */
    readonly byteLength?: never;
}
/** Members that a `Map`, bytes, promises, iterables and functions have, and plain objects do not. */
interface PlainObject {
    /** Excludes iterables. */
    readonly [Symbol.iterator]?: never;
    /** Excludes the objects of the language. */
    readonly [Symbol.toStringTag]?: never;
    /** Excludes functions and classes. */
    readonly [Symbol.hasInstance]?: never;
}
/** `Value` as an argument that is sent. A part that JSON cannot carry has a text as its type, which says what to send instead. */
type SentValue<Value> = [Sendable] extends [Value] ? Value : [Value] extends [Json | undefined] ? Value : SentParts<NoInfer<Value>>;
type SentParts<Value> = Value extends AsyncIterable<infer Item> ? AsyncIterable<Carried<Item, 'sent'>> : Carried<Value, 'sent'>;
/** `Result` as a handler returns it, perhaps as a promise. Like {@link SentValue}. */
type ReturnedValue<Result> = [Sendable] extends [Result] ? Result : SentValue<Awaited<NoInfer<Result>>> | PromiseLike<SentValue<Awaited<NoInfer<Result>>>>;
/** `Value` as a handler receives it. A part that JSON cannot carry has a text as its type, which says so. */
type ReceivedValue<Value> = unknown extends Value ? Value : [Value] extends [Json | undefined] ? Value : ReceivedParts<NoInfer<Value>>;
type ReceivedParts<Value> = Value extends AsyncIterable<unknown> ? Value : Carried<Value, 'received'>;
/** `Value` with a text in place of each part that JSON cannot carry. */
type Carried<Value, Side extends 'sent' | 'received', Whole = Value> = unknown extends Value ? Value : [Value] extends [Json | undefined] ? Value : Value extends bigint ? 'JSON cannot carry a bigint: send text' : Value extends symbol | ((...parameters: never) => unknown) | (abstract new (...parameters: never) => unknown) ? 'JSON cannot carry a function or a symbol: send data' : Value extends ArrayBufferView | ArrayBuffer | SharedArrayBuffer ? 'JSON cannot carry bytes: send base64 text, or use a stream' : Value extends WithToJson ? AsReceived<Value, Side, Whole> : Value extends readonly unknown[] ? {
    [Index in keyof Value]: Carried<Value[Index], Side>;
} : Value extends PromiseLike<unknown> ? 'JSON cannot carry a promise: await it first' : Value extends Iterable<unknown> ? 'JSON cannot carry a Map, a Set or another iterable: send Array.from() of it' : Value extends object ? {
    [Name in keyof Value]: Carried<Value[Name], Side>;
} : Value;
type AsReceived<Value, Side, Whole> = Side extends 'sent' ? Value : string extends Whole ? Value : 'JSON carries what toJSON returns: a Date arrives as text';
/** Methods of a service. A schema whose values JSON cannot carry has a text as its type, which says so. */
type CarriedMethods<Methods> = {
    readonly [Method in keyof Methods]: {
        readonly [Name in keyof Methods[Method]]: CarriedSchema<Methods[Method][Name]>;
    };
};
type CarriedSchema<Schema> = Schema extends StandardSchemaV1 ? CarriedBy<SchemaInput<Schema>, Schema> : Schema extends ItemsSchema<infer Each> ? CarriedBy<SchemaInput<Each>, Schema> : Schema;
type CarriedBy<Value, Schema> = [Value] extends [ReceivedValue<Value>] ? Schema : 'JSON cannot carry the values of this schema: see the guide, Requests, for what to send instead';

/** Options of {@link Endpoint.serve} for a service. */
interface ServeOptions {
    /** Stops serving, without an error. Running handlers continue. */
    signal?: AbortSignal | undefined;
    /**
     * Receives what a handler threw, after the caller was told, and what keeps its result from being sent. Not the reason of its own
     * `context.signal`, nor an `AbortError` with that `cause`. Default: a process warning, once per error code, but none for an error that only
     * tells that the caller has left, that this endpoint was closed, or that a `Graceful` shuts down.
     */
    onError?: ((error: unknown, context: RequestContext) => unknown) | undefined;
    /**
     * Longest message in bytes as JSON, received or sent; of items, the longest item. Callers get `ERR_LINE_TOO_LONG`. Default: 16 MiB, for
     * older peers 1 MiB.
     */
    maxBytes?: number | undefined;
    /** Requests in progress per peer, of this call of `serve`; more get `ERR_BUSY`. Default: 256. */
    maxRequestsPerPeer?: number | undefined;
    /**
     * Memory of a peer's requests in progress, in bytes, as text and parsed, of messages above 16 KiB; more get `ERR_BUSY`. A message that
     * would take more on its own gets `ERR_LINE_TOO_LONG`: JSON of many small objects takes 22 times its length, of records about 4 times.
     * An estimate: objects with many different keys take up to twice as much. Default: 128 MiB, or 8 times `maxBytes` if that is more.
     */
    maxBytesPerPeer?: number | undefined;
    /** Send callers the stack traces of errors: `error.remoteStack`. They name files of this machine. Default: false. */
    stack?: boolean | undefined;
}
/** Options of {@link Endpoint.serve} for one protocol. */
interface ServeProtocolOptions<Input extends MessageSchema | undefined = MessageSchema | undefined, Output extends MessageSchema | undefined = MessageSchema | undefined> extends ServeOptions {
    /**
     * Schema of the input; `{ items: schema }` for a stream of items. The handler gets what the schema returns. A caller whose input does not
     * match gets `ERR_SCHEMA` with the issues. Default: none, and no check.
     */
    input?: Input;
    /** Schema of the result; `{ items: schema }` for an async iterable. What it returns is sent. Default: none, and no check. */
    output?: Output;
}
/** Options of {@link Endpoint.serve} for one protocol, with at least one schema. */
type SchemaServeOptions<Input extends MessageSchema | undefined, Output extends MessageSchema | undefined> = ServeProtocolOptions<Input, Output> & ({
    /** Schema of the input. */
    input: Input;
} | {
    /** Schema of the result. */
    output: Output;
});

/** A method of a {@link Service}. */
interface MethodDefinition {
    /** Schema of the input; `{ items: schema }` for a stream of items. Default: any JSON. */
    readonly input?: MessageSchema | undefined;
    /** Schema of the result; `{ items: schema }` for a stream of items. Default: any JSON. */
    readonly output?: MessageSchema | undefined;
    /** A request may be handled twice: see {@link RequestOptions.idempotent}. Default: false. */
    readonly idempotent?: boolean | undefined;
}
/** Methods of a service, by name. */
type MethodDefinitions = Readonly<Record<string, MethodDefinition>>;
/**
 * Items that a peer sends: each is checked, if there is a schema. Leaving the loop tells the sender to stop.
 *
 * Several `next()` may be pending: they settle in order. `return()` lets them take the items that have arrived, and ends those that would
 * wait for the peer or for a schema, with `done`.
 */
type Items<Item> = AsyncIterableIterator<Item, undefined> & AsyncDisposable;
/** Type of a message that one side gives. */
type SentMessage<Schema> = Schema extends StandardSchemaV1 ? SchemaInput<Schema> : Schema extends ItemsSchema<infer Each> ? AsyncIterable<SchemaInput<Each>> | Iterable<SchemaInput<Each>> : unknown;
/** Type of a message that the other side gets. */
type ReceivedMessage<Schema> = Schema extends StandardSchemaV1 ? SchemaOutput<Schema> : Schema extends ItemsSchema<infer Each> ? Items<SchemaOutput<Each>> : unknown;
/** A value, or a promise of it. */
type Awaitable<Value> = Value | PromiseLike<Value>;
/** Handles a request. What it throws reaches the caller as `ERR_REMOTE`. */
type RequestHandler<Input = unknown, Output = unknown> = (input: Input, context: RequestContext) => Awaitable<Output>;
/** Implementation of a service: an object or a class instance with a function for each method. */
type ServiceImplementation<Methods extends MethodDefinitions> = {
    readonly [Name in keyof Methods]: RequestHandler<ReceivedMessage<Methods[Name]['input']>, SentMessage<Methods[Name]['output']>>;
};
/** Methods of a service at a peer. Each rejects with the errors of {@link Endpoint.call}. */
type ServiceClient<Methods extends MethodDefinitions> = {
    readonly [Name in keyof Methods]: ClientMethod<SentMessage<Methods[Name]['input']>, ReceivedMessage<Methods[Name]['output']>>;
};
/** A method of a {@link ServiceClient}. The input may be left out where `undefined` is one. */
type ClientMethod<Input, Output> = undefined extends Input ? (input?: Input, options?: RequestOptions) => Promise<Output> : (input: Input, options?: RequestOptions) => Promise<Output>;
/** Options of {@link defineService}. */
interface ServiceOptions {
    /**
     * Name of the service, in the protocol of each method: `{ Generic: { fastn: 'rpc', method, service } }`. Default: none; the protocol of a
     * method is then its own name, `{ Generic: method }`.
     */
    name?: string | undefined;
}
/** A set of typed methods, which peers serve and call. Created by {@link defineService}. */
declare class Service<Methods extends MethodDefinitions> {
    #private;
    /** Name of the service. */
    readonly name: string | undefined;
    /** Its methods. */
    readonly methods: Methods;
    private constructor();
    /**
     * Protocol of a method: for `authorize`, and for peers in other languages.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` for an unknown method.
     */
    protocol(method: keyof Methods & string): Protocol;
}
/**
 * Defines the methods that peers serve ({@link Endpoint.serve}) and call ({@link Endpoint.client}). Share it between both programs.
 *
 * Schemas are of any library that implements [Standard Schema](https://standardschema.dev). Both sides check both messages: the sender before
 * it sends, the receiver when it arrives. An input is sent as the caller gave it, and the handler gets what the schema makes of it. A result
 * is sent as the schema returns it, and the caller's schema checks that again. So an `output` schema must accept its own result: defaults,
 * `trim` and `coerce` are fine, `string → Date` is not.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * const calculator = defineService({
 *   add: { input: z.object({ a: z.number(), b: z.number() }), output: z.number() }
 * })
 * endpoint.serve(calculator, { add: ({ a, b }) => a + b })
 * const sum = await endpoint.client(calculator, peer).add({ a: 1, b: 2 })
 */
declare function defineService<const Methods extends MethodDefinitions>(methods: Methods & CarriedMethods<Methods>, options?: ServiceOptions): Service<Methods>;

/** Requests and answers over the streams of an {@link Endpoint}. */
declare abstract class RequestEndpoint {
    /**
     * Sends a request to a peer and returns the answer of its handler ({@link serve}). The type of the answer is not checked;
     * `options.schema` is.
     *
     * @throws {FastnNetError} `ERR_REMOTE` if the handler failed, `ERR_CALL_TIMEOUT`, `ERR_SCHEMA`, `ERR_BUSY`, `ERR_LINE_TOO_LONG`: see
     * {@link RequestOptions}. The errors of {@link Endpoint.getStream}.
     *
     * @example
     * const sum = await endpoint.call<number>(peer, 'add', { a: 1, b: 2 })
     */
    call<Answer = Json>(peer: Peer, protocol: Protocol): Promise<Answer>;
    call<Schema extends MessageSchema, Input = Sendable>(peer: Peer, protocol: Protocol, input: SentValue<Input>, options: SchemaCallOptions<Schema>): Promise<ReceivedMessage<Schema>>;
    call<Answer = Json, Input = Sendable>(peer: Peer, protocol: Protocol, input: SentValue<Input>, options?: CallOptions<undefined>): Promise<Answer>;
    /**
     * Answers requests for a protocol, or for the methods of a service. The handler's result is the answer; an async iterable is sent item by
     * item. What the handler throws reaches the caller as `ERR_REMOTE`. Also answers callers in Rust (fastn-p2p).
     *
     * Requests run concurrently. Returns at once, as {@link Endpoint.listen} does; serves until the result is closed.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
     *
     * @example
     * endpoint.serve('add', ({ a, b }: { a: number; b: number }) => a + b)
     */
    serve<Methods extends MethodDefinitions>(service: Service<Methods>, implementation: ServiceImplementation<Methods>, options?: ServeOptions): Listener;
    serve<Input, Output>(protocol: Protocol, handler: (input: ReceivedValue<Input>, context: RequestContext) => ReturnedValue<Output>, options?: ServeOptions): Listener;
    serve<Input extends MessageSchema | undefined, Output extends MessageSchema | undefined>(protocol: Protocol, handler: RequestHandler<ReceivedMessage<Input>, SentMessage<Output>>, options: SchemaServeOptions<Input, Output>): Listener;
    /**
     * Returns the methods of a service at a peer. Each is a {@link call} with the service's schemas at both ends. Opens nothing.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS` if `peer` is no peer. Methods: the errors of {@link call}.
     *
     * @example
     * const sum = await endpoint.client(calculator, peer).add({ a: 1, b: 2 }, { timeout: 1_000 })
     */
    client<Methods extends MethodDefinitions>(service: Service<Methods>, peer: Peer): ServiceClient<Methods>;
    /**
     * Asks a peer that runs {@link serveTime} for its time. The answer is older by half of {@link Endpoint.ping}.
     *
     * @param options `timeout` in milliseconds. Default: 10 s.
     * @throws {FastnNetError} `ERR_CALL_TIMEOUT`. `ERR_UNEXPECTED_END`, `ERR_LINE_TOO_LONG` or `ERR_UTF8` if the answer is no time.
     * `ERR_INVALID_ARGUMENT`. The errors of {@link Endpoint.getStream}.
     *
     * @example
     * const time = await endpoint.whatTimeIsIt(peer)
     * console.log(Math.round((time.getTime() - Date.now()) / 1_000), 's ahead')
     */
    whatTimeIsIt(peer: Peer, options?: TimeoutOptions): Promise<Date>;
    /**
     * Answers {@link whatTimeIsIt}, the protocol WhatTimeIsIt, with this machine's time. Returns at once, as {@link Endpoint.listen} does;
     * serves until the result is closed.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
     *
     * @example
     * const listener = endpoint.serveTime()
     */
    serveTime(options?: CancelOptions): Listener;
}

/** HTTP over the streams of an {@link Endpoint}. */
declare abstract class HttpEndpoint extends RequestEndpoint {
    /**
     * Sends an HTTP request to a peer, and resolves with its answer as soon as its head is here. The peer answers with {@link serveHttp}.
     *
     * `input` is a path. Of a URL or `Request`, as libraries pass them, the host is only sent as `Host`: the request goes to the peer.
     *
     * - Each request has a stream of its own, and costs no round trip more than its answer takes.
     * - Request and answer are streamed, at the pace of the slower side. The answer may begin before the request has ended.
     * - Aborting `init.signal` ends the request, also while the answer's body is read, and aborts the handler's `request.signal`.
     * - Redirects to the same peer are followed (`redirect: 'follow'`), unless their request had a body of a stream. The answer with a
     *   redirect to another host is returned as it is: `response.headers.get('location')`.
     * - No timeout: pass `AbortSignal.timeout(ms)`. A lost peer ends the request anyway.
     * - Also asks peers of the original library, over its protocol `Http`. They know no named services.
     * - An unread body holds its stream: read it, or call `response.body.cancel()`.
     *
     * @throws {FastnNetError} `ERR_UNEXPECTED_END` if the answer is cut short or not valid HTTP. `ERR_TOO_LARGE` beyond `maxHeaderBytes`, or
     * `maxBodyBytes` while the body is read. `ERR_REFUSED` for a redirect with `redirect: 'error'`. `ERR_INVALID_ARGUMENT`. The errors of
     * {@link Endpoint.getStream}, also while the body is read. `TypeError` as the global `fetch`, for a method or header that is not valid.
     *
     * @example
     * const response = await endpoint.fetch(peer, '/items', { method: 'POST', body: JSON.stringify({ name: 'lamp' }) })
     * console.log(response.status, await response.json())
     */
    fetch(peer: Peer, input: string | URL | Request, init?: FetchOptions): Promise<Response>;
    /**
     * Answers HTTP requests of peers with a handler of `Request` and `Response`, such as Hono's `app.fetch`. Peers send them with
     * {@link fetch}. `fastn-net/node` has the same for `node:http` and Express.
     *
     * - The header `fastn-peer` is the ID52 of the caller. No caller can set it.
     * - `request.signal` aborts when the caller leaves.
     * - A handler that throws answers with status 500, without the error's text: see `onError`.
     * - Bodies are streamed, at the pace of the slower side. A body that fails resets the stream, so that no caller takes a part for all.
     * - Closing the result ends the streams that wait for another request. A request in progress is the last one of its stream.
     *
     * Peers of the original library reach it over their protocol `Http`, if it has no name (`service`).
     *
     * Anyone whom the endpoint admits may send requests: see `allow` of {@link EndpointOptions}. Returns at once, as {@link Endpoint.listen}
     * does; serves until the result is closed, and keeps the process alive until then.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
     *
     * @example
     * endpoint.serveHttp(request => new Response(`hello ${request.headers.get('fastn-peer')}`))
     */
    serveHttp(handler: HttpHandler, options?: ServeHttpOptions): Listener;
}

/** Tunnels of an {@link Endpoint}. Their bytes stay in Rust. */
declare abstract class TunnelEndpoint extends HttpEndpoint {
    #private;
    /**
     * Exposes a TCP service or a Unix socket to peers. They reach it with {@link bridgeTcp}. Each of their connections becomes one to
     * `target`, and one stream.
     *
     * - A half-close is carried as such, and a reset as a reset. A target that refuses, or a lost peer, is a reset too. A Unix socket has no
     *   reset and just closes.
     * - A peer that loses access loses its connections: see {@link Access}.
     * - The endpoint's `maxStreamsPerPeer` and `maxStreamsTotal` bound the connections.
     * - Connects to nothing before a peer does. Failures to connect are in the log (`fastn_net::tunnel`).
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow`. `ERR_PEER_ADDRESS` for a peer in `allow`. `ERR_PROTOCOL_IN_USE` if
     * the endpoint already exposes a service of this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     *
     * @example
     * await using tunnel = await endpoint.exposeTcp('localhost:5432', { allow: [colleague], service: 'database' })
     */
    exposeTcp(target: TunnelTarget, options: ExposeOptions): Promise<Tunnel>;
    /**
     * Listens on a local port or Unix socket, and carries each connection to the service that a peer exposes ({@link exposeTcp}). Also
     * reaches Tcp services of older peers.
     *
     * - Dials the peer when the first client connects. A client's first bytes travel without a round trip before them.
     * - A client's connection is reset if the peer cannot be reached, does not expose the service, refuses this endpoint, or is lost: a
     *   silent peer within 10 s. The log says why (`fastn_net::tunnel`).
     * - Any program that can reach the local port can use the service, including those of other users. A Unix socket in a private folder is
     *   for one user only.
     *
     * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used; the message names it. `ERR_INVALID_ARGUMENT`.
     * `ERR_PEER_ADDRESS`. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     *
     * @example
     * const bridge = await endpoint.bridgeTcp({ peer, service: 'database', port: 5432 })
     * await bridge.closed
     */
    bridgeTcp(options: BridgeOptions): Promise<Tunnel>;
    /**
     * Exposes a UDP service to peers, which reach it with {@link bridgeUdp}. Each client's flow gets a local socket of its own, which sends
     * to `target`. One stream carries a flow: nothing is reordered, and a datagram on its way is not lost unless the peer is. A Unix socket
     * is no target.
     *
     * @throws {FastnNetError} The errors of {@link exposeTcp}.
     *
     * @example
     * await using tunnel = await endpoint.exposeUdp('127.0.0.1:53', { allow: [colleague], service: 'dns' })
     */
    exposeUdp(target: TunnelTarget, options: ExposeUdpOptions): Promise<Tunnel>;
    /**
     * Listens on a local UDP port, and carries the datagrams of each client to the service that a peer exposes ({@link exposeUdp}), and back.
     * Datagrams that find no room are dropped: those of a client that sends faster than the peer takes them, and those of too many clients.
     *
     * @throws {FastnNetError} The errors of {@link bridgeTcp}.
     *
     * @example
     * await using bridge = await endpoint.bridgeUdp({ peer, service: 'dns', port: 5353 })
     */
    bridgeUdp(options: BridgeUdpOptions): Promise<Tunnel>;
    /**
     * Exposes an HTTP service to peers, which reach it with {@link bridgeHttp} and {@link fetch}. `target` is `'http://host:port'`,
     * `'https://host'`, `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
     *
     * - The header `fastn-peer` is the ID52 of the peer; no client can set it. `x-forwarded-host` and `x-forwarded-proto` say what the client
     *   asked for. What clients send in these and similar headers is removed.
     * - Bodies are streamed both ways at once. Trailers, `Expect: 100-continue`, Server-Sent Events and upgrades such as WebSocket pass.
     *   Other interim answers, such as 103, do not.
     * - A target that fails within an answer resets it, and a client that leaves cancels its request at the target. A target that cannot be
     *   reached is status 502, a slow one 504.
     * - Without a name, older peers reach it too, over their protocol `Http`: without trailers, interim answers and upgrades.
     * - Connections to the target are kept and used again, over HTTP/2 if a target with `https` speaks it. Nothing is connected before a
     *   peer asks.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow`. `ERR_PEER_ADDRESS` for a peer in `allow`. `ERR_PROTOCOL_IN_USE` if
     * the endpoint already serves HTTP under this name, by {@link serveHttp} too. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     *
     * @example
     * await using tunnel = await endpoint.exposeHttp(3000, { allow: [colleague] })
     */
    exposeHttp(target: TunnelTarget, options: ExposeHttpOptions): Promise<Tunnel>;
    /**
     * Listens on a local port or Unix socket, and sends each HTTP request to the service of a peer ({@link exposeHttp} or {@link serveHttp}).
     * The request's Host says which: `<id52>.localhost`, `<service>.<id52>.localhost`, or a host of `hosts`. Given a `peer`, `localhost` is
     * that peer.
     *
     * - Requests to other hosts get status 421. So no web site can use the bridge under a name of its own.
     * - Dials a peer when the first request to it comes. A client gets status 403 if the peer does not let this endpoint use the service,
     *   and 502, 503 or 504 with a text if there is no answer.
     * - Reaches older peers too, over their protocol `Http`: without trailers, interim answers, upgrades and named services.
     * - Any program that can reach the local port can use the services, including those of other users.
     *
     * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used; the message names it. `ERR_INVALID_ARGUMENT`.
     * `ERR_PEER_ADDRESS`. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     *
     * @example
     * const bridge = await endpoint.bridgeHttp({ peer, port: 8080 })
     * console.log(`open ${bridge.url}`)
     */
    bridgeHttp(options?: BridgeHttpOptions): Promise<Tunnel>;
}

/** Proxies of an {@link Endpoint}: tunnels whose clients choose the destination. Their bytes stay in Rust. */
declare abstract class ProxyEndpoint extends TunnelEndpoint {
    #private;
    /**
     * Exposes a proxy to peers: their clients reach the destinations that `targets` allows, from this machine. Peers use it with
     * {@link proxy} and {@link socks5}.
     *
     * - Names are looked up here. Every address that a name has is checked against the rules, and the connection goes to an address that was
     *   checked. An answer of DNS that changes thus reaches nothing else.
     * - Without a rule for them, peers reach no address that is not public: no `localhost`, no private network, no metadata of a cloud, in
     *   whatever spelling.
     * - A peer that loses access loses its connections: see {@link Access}.
     * - The endpoint's `maxStreamsPerPeer` and `maxStreamsTotal` bound the connections. At most 32 names are looked up at a time.
     * - The log tells each destination that was not connected (`fastn_net::tunnel`, level info).
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow` or `targets`. `ERR_PEER_ADDRESS` for a peer in `allow`.
     * `ERR_PROTOCOL_IN_USE` if the endpoint already exposes a proxy of this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     *
     * @example
     * await using tunnel = await endpoint.exposeProxy({ allow: [laptop], targets: ['*:443', '192.168.1.0/24'] })
     */
    exposeProxy(options: ExposeProxyOptions): Promise<Tunnel>;
    /**
     * Listens on a local port as an HTTP proxy. Its clients reach destinations through the proxy that a peer exposes
     * ({@link exposeProxy}).
     *
     * - CONNECT, which HTTPS needs, and requests for `http:` URLs. Their bodies are streamed both ways; upgrades such as WebSocket pass.
     * - A destination that the peer does not allow gets status 403. One that is not reached gets 502, a peer that does not answer 504.
     * - A request without a whole URL gets 400: a web page that asks for the port of the proxy reaches nothing.
     * - Any program that can reach the local port can use the proxy, including those of other users.
     *
     * @throws {FastnNetError} The errors of {@link bridgeTcp}.
     *
     * @example
     * await using tunnel = await endpoint.proxy(peer, { port: 8080 })
     * console.log(tunnel.url) // curl --proxy http://127.0.0.1:8080 https://example.com
     */
    proxy(peer: Peer, options?: ProxyOptions): Promise<Tunnel>;
    /**
     * Listens on a local port as a SOCKS 5 server. Its clients reach destinations through the proxy that a peer exposes
     * ({@link exposeProxy}). IPv4, IPv6 and names, which the peer looks up: `tunnel.url` begins with `socks5h:`.
     *
     * - CONNECT without authentication. Other commands get reply 7.
     * - A destination that the peer does not allow gets reply 2, one that refuses 5, one that was not found or does not answer 4. A peer
     *   that cannot be reached is reply 3.
     * - Greeting and request must come within 10 s.
     * - Any program that can reach the local port can use the proxy, including those of other users.
     *
     * @throws {FastnNetError} The errors of {@link bridgeTcp}.
     *
     * @example
     * await using tunnel = await endpoint.socks5(peer, { port: 1080 })
     * console.log(tunnel.url) // curl --proxy socks5h://127.0.0.1:1080 https://example.com
     */
    socks5(peer: Peer, options?: ProxyOptions): Promise<Tunnel>;
}

/**
 * Dials and accepts peers under one key. Created by {@link createEndpoint} or {@link getEndpoint}.
 *
 * Pending calls keep the process alive, and so do listening and accepting unless {@link unref} was called. {@link watch} and
 * {@link keep} do not.
 */
declare class Endpoint extends ProxyEndpoint implements AsyncDisposable {
    #private;
    /** Public key of this endpoint. */
    readonly publicKey: PublicKey;
    /** Access lists and policy: peers that may connect, and what they may use. */
    readonly access: Access;
    private constructor();
    /**
     * ID52 of this endpoint: share it with peers.
     *
     * @example
     * console.log(`dial me: ${endpoint.id52}`)
     */
    get id52(): string;
    /**
     * Returns the addresses and relays at which this endpoint is currently known to be reachable. Peers can pass the result as a
     * {@link Peer}.
     *
     * @throws {FastnNetError} `ERR_CLOSED`.
     *
     * @example
     * await using stream = await other.getStream(endpoint.address(), 'Echo')
     */
    address(): EndpointAddress;
    /**
     * Returns the address as a string, which peers can pass as a {@link Peer}. With relays enabled, waits until one is connected. If the
     * relay refuses this endpoint, the wait ends, the ticket contains no relay, and the process gets one warning (`ERR_RELAY`).
     *
     * @param options `timeout`: limit of that wait; the ticket then contains what is known. 0 does not wait. Default: 5 s.
     * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * console.log(await endpoint.ticket())
     */
    ticket(options?: TimeoutOptions): Promise<string>;
    /**
     * Opens a stream to a peer. Dials it if there is no connection, and retries with backoff until the timeout: see {@link OpenOptions}.
     *
     * @throws {FastnNetError} `ERR_UNREACHABLE`, `ERR_CONNECTION_LOST`, `ERR_ACK_TIMEOUT`. If the peer refuses, such as
     * `ERR_PROTOCOL_UNSUPPORTED`, `ERR_UNAUTHORIZED`, `ERR_BUSY`. `ERR_PEER_ADDRESS`, `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`.
     *
     * @example
     * await using stream = await endpoint.getStream(peer, 'Echo')
     * await stream.finish('hello\n')
     * console.log(await stream.nextString())
     */
    getStream(peer: Peer, protocol: Protocol, options?: OpenOptions): Promise<PeerStream>;
    /**
     * Accepts streams of these protocols from all peers, as an async iterator. Do not await the handling of a stream in the loop: the
     * next stream would wait for it. {@link listen} handles streams concurrently.
     *
     * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if a protocol already has a listener. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     * `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * for await (const stream of endpoint.acceptBi('Echo')) void handle(stream)
     */
    acceptBi(protocols: Protocol | readonly Protocol[], options?: CancelOptions): IncomingStreams;
    /**
     * Calls a protocol's handler for each incoming stream. Handlers run concurrently.
     *
     * Returns at once. {@link Listener.ready} tells whether the protocols are served, and {@link Listener.closed} when listening has
     * ended. It ends with {@link Listener.close}, the signal, {@link drain}, {@link close}, or the shutdown of the endpoint's
     * {@link Graceful}.
     *
     * Listening keeps the process alive while the endpoint is referenced. It does not depend on a reference to the result.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. All other failures reject {@link Listener.ready}.
     *
     * @example
     * endpoint.listen({
     *   async Echo(stream) {
     *     for await (const chunk of stream) await stream.write(chunk)
     *   }
     * })
     */
    listen(handlers: StreamHandlers, options?: ListenOptions): Listener;
    /**
     * Accepts connections from peers, as an async iterator. At most one at a time.
     *
     * Before {@link Connection.acceptBi} is called, the connection's streams go to the endpoint's listeners. A stream without a listener
     * waits until 1 s after the iterator yielded its connection, and is then refused.
     *
     * @throws {FastnNetError} `ERR_PROTOCOL_IN_USE` if another iterator accepts connections. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
     * `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * for await (const connection of endpoint.accept()) console.log(connection.remoteId52)
     */
    accept(options?: CancelOptions): IncomingConnections;
    /**
     * Returns the connection with a peer, and dials if there is none.
     *
     * The peer may reject this key only after the call has resolved. The connection then closes with code 0x104, and opening a stream
     * fails with `ERR_UNAUTHORIZED`. Streams that the peer opens on a new connection wait up to 1 s for a listener.
     *
     * @param options `timeout`: 0 takes a connection that exists, and never dials. Default: the endpoint's `openTimeout`, 30 s.
     * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_INVALID_ARGUMENT`. `ERR_UNREACHABLE`. `ERR_UNAUTHORIZED`. `ERR_BUSY` if the peer
     * accepts no more connections. `ERR_PROTOCOL_UNSUPPORTED` if the peer speaks none of this library's ALPNs. `ERR_CLOSED`.
     *
     * @example
     * await using connection = await endpoint.connect(peer)
     * await using stream = await connection.openBi('Echo')
     */
    connect(peer: Peer, options?: TimeoutOptions): Promise<Connection>;
    /**
     * Measures the round-trip time to a peer, in milliseconds. Dials if there is no connection. The peer's library answers, not its
     * application. A peer that listens for nothing answers on a connection that it dialled, and cannot be dialled.
     *
     * @throws {FastnNetError} The errors of {@link connect}. `ERR_PING` if the answer is wrong or takes longer than `pingTimeout`.
     *
     * @example
     * console.log(`${await endpoint.ping(peer)} ms`)
     */
    ping(peer: Peer, options?: CancelOptions): Promise<number>;
    /**
     * Snapshot of all tracked peers, ordered by ID52. A peer is tracked from its first use or connection until it has been unused for
     * `idleTimeout`. Empty once the endpoint is closed. For changes, see {@link watch}.
     *
     * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
     *
     * @example
     * for (const { id52, state, lastError } of endpoint.peers()) console.log(id52, state, lastError?.message)
     */
    peers(): readonly PeerInfo[];
    /**
     * Yields a snapshot of each tracked peer, then of each peer whose state, connections or paths change. A peer that is no longer tracked
     * is yielded once more, with `tracked: false`. Changes of bytes, streams and round-trip times alone are not reported.
     *
     * Never builds a backlog: a slow consumer gets the latest snapshot of each changed peer. Several watchers may run at once. The signal
     * and {@link close} end it without an error. Does not keep the process alive.
     *
     * @throws {FastnNetError} `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * for await (const { id52, state } of endpoint.watch()) console.log(id52, state)
     */
    watch(options?: CancelOptions): PeerChanges;
    /**
     * Returns this endpoint's metrics in the Prometheus text format 0.0.4. Serve them as `text/plain; version=0.0.4`. docs/metrics.md lists
     * them. Bounded: no label value comes from a peer. A closed endpoint returns its last values.
     *
     * @throws {FastnNetError} `ERR_CLOSED` if the endpoint was released after closing.
     *
     * @example
     * createServer((_request, response) => response.end(endpoint.metrics())).listen(9090)
     */
    metrics(): string;
    /**
     * Keeps a peer connected: dials now, and redials whenever the connection is lost, with the backoff of {@link ConnectOptions} and no
     * limit. The connection does not idle out. After the peer rejects this key, redials only for another call or a new address.
     *
     * Ends when the result is closed or disposed, the signal aborts, or the endpoint closes. Reports no failures: see {@link peers}. Does not keep the
     * process alive.
     *
     * @throws {FastnNetError} `ERR_PEER_ADDRESS`. `ERR_CLOSED`. `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * using kept = endpoint.keep(server)
     */
    keep(peer: Peer, options?: CancelOptions): KeepConnected;
    /**
     * Refuses new streams and connections from peers, with `ERR_SHUTTING_DOWN`. Listeners and loops end after the streams that are already
     * acknowledged. Open streams continue, and {@link getStream}, {@link connect} and {@link ping} still work, so that work in progress can
     * finish before {@link close}. Idempotent. Cannot be undone.
     *
     * @example
     * endpoint.drain()
     * await runningWork
     * await endpoint.close()
     */
    drain(): void;
    /**
     * Closes the endpoint:
     *
     * 1. Listeners end.
     * 2. Finished streams are delivered, within the timeout. So are those whose `finish` is pending. All other streams are lost.
     * 3. Peers are notified of the shutdown, and the ports are freed.
     *
     * Idempotent: all callers share one close. Keeps the process alive until it resolves.
     *
     * May be awaited in a handler: closing does not wait for handlers. The handler's own stream is lost unless it was finished before; a
     * handler that then returns has not failed.
     *
     * @param options `timeout`: limit of step 2, which 0 skips; a silent peer can take some round trips more. Default: the endpoint's `closeTimeout`, 5 s.
     * `signal`: ends the wait, not the close.
     * @returns Number of finished streams that were not acknowledged in time. A `finish` that is still pending then rejects with `ERR_CLOSED`.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * await endpoint.close({ timeout: 1000 })
     */
    close(options?: TimeoutOptions): Promise<number>;
    /** Lets listening and accepting keep the process alive. This is the default. */
    ref(): this;
    /** Stops current and later listening and accepting from keeping the process alive. Other pending calls still do. */
    unref(): this;
    /** Closes the endpoint, like {@link close}. During a shutdown of its `graceful`, after the running handlers, as the shutdown does. */
    [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Ed25519 secret key: the identity of an endpoint. Immutable.
 *
 * Only `toBytes` and `toHex` reveal the secret. `toString`, `JSON.stringify` and `util.inspect` print the public key.
 *
 * @example
 * const secretKey = SecretKey.generate()
 * console.log(secretKey.id52)
 */
declare class SecretKey {
    #private;
    private constructor();
    /** Generates a key. It is not saved: see {@link readOrCreateSecretKey}. */
    static generate(): SecretKey;
    /**
     * Parses 64 hex digits (in any case) or 32 bytes, which are copied. Returns a `SecretKey` unchanged.
     *
     * @throws {FastnNetError} `ERR_SECRET_KEY` if `key` is not a secret key. The message does not contain it. `ERR_INVALID_ARGUMENT` for
     * detached bytes.
     *
     * @example
     * const secretKey = SecretKey.from(process.env.SECRET_KEY ?? '') // 64 hex digits
     */
    static from(key: string | Uint8Array | SecretKey): SecretKey;
    /** Public key of this secret key. */
    get publicKey(): PublicKey;
    /** ID52 of the public key: share it with peers. */
    get id52(): string;
    /**
     * Signs bytes. Returns an Ed25519 signature of 64 bytes, which is deterministic.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` if `bytes` is not a `Uint8Array`, or is detached.
     *
     * @example
     * const signature = secretKey.sign(new TextEncoder().encode('agreed'))
     */
    sign(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
    /** A copy of the secret's 32 bytes. Keep them out of logs and of files that others can read. */
    toBytes(): Uint8Array<ArrayBuffer>;
    /** The secret as 64 lower-case hex digits. Keep them out of logs and of files that others can read. */
    toHex(): string;
    /** Returns `SecretKey(<ID52>)`. */
    toString(): string;
    /** Returns `SecretKey(<ID52>)`. */
    toJSON(): string;
}

/** Work that a shutdown left unfinished. */
interface ShutdownReport {
    /** Whether all work ended and all finished streams were delivered. */
    readonly clean: boolean;
    /** Spawned work that still ran, plus calls of `listen` with running handlers, plus tasks of the native core. */
    readonly unfinished: number;
    /** The work counted in `unfinished`, by name. */
    readonly work: readonly {
        /** Name passed to `spawn`, `'listen'`, or `'native task'`. */
        readonly name: string;
        /** Amount of work with this name. */
        readonly count: number;
    }[];
    /** The first 100 failures of spawned work. Rejecting with the reason of `cancelled` is not a failure. Does not affect `clean`. */
    readonly failures: readonly {
        /** Name passed to `spawn`, or `'listen'`. */
        readonly name: string;
        /** What the work threw. */
        readonly error: unknown;
    }[];
    /** Streams opened by peers that were cut off. */
    readonly openStreams: number;
    /** The streams of `openStreams` that a handler or loop had taken, by protocol. */
    readonly streams: readonly {
        /** Protocol of the streams. */
        readonly protocol: Protocol;
        /** Number of streams. */
        readonly count: number;
    }[];
    /** Finished streams that were not acknowledged in time. */
    readonly unacknowledged: number;
    /** Endpoints still notifying peers. They close later: a silent peer can take 3 s. */
    readonly unclosed: number;
}

/** Options of {@link Graceful}. */
interface GracefulOptions {
    /**
     * Process signals that start the shutdown: a list of names, or `true` for SIGINT and SIGTERM. Worker threads receive no signals.
     * Default: false, none.
     */
    signals?: boolean | readonly NodeJS.Signals[] | undefined;
    /** Timeout of a shutdown in milliseconds. Default: 5 s. */
    timeout?: number | undefined;
    /**
     * Called once, with the report of the shutdown. Default: none. A shutdown by signal then emits a process warning if work was left
     * unfinished.
     */
    onReport?: ((report: ShutdownReport) => unknown) | undefined;
    /**
     * Ends the process after a shutdown by signal, once the endpoints are closed and `onReport` has settled, whatever else keeps the process
     * alive: a pending read of stdin, for example. The exit status is 128 plus the number of the signal: 130 for SIGINT, 143 for SIGTERM.
     * Another signal ends the process at once, with that status. Needs `signals`.
     *
     * Default: false. The process ends when nothing keeps it alive, and a second signal has its default action.
     */
    exit?: boolean | undefined;
}

/** Options of {@link Graceful.spawn}. */
interface SpawnOptions {
    /** Name of the work in the shutdown report. Default: the function's name, else `'unnamed'`. */
    name?: string | undefined;
}
/**
 * Graceful shutdown: refuses new work, waits for work in progress, then closes the endpoints. For one endpoint and no other work,
 * `createEndpoint({ graceful: true })` is enough.
 *
 * @example
 * const graceful = new Graceful({ signals: true })
 * const endpoint = await createEndpoint({ graceful })
 * graceful.spawn(cancelled => poll(endpoint, cancelled))
 */
declare class Graceful {
    #private;
    /**
     * Prepares a graceful shutdown: it refuses new work, waits for work in progress, then closes the endpoints that were given it. With
     * `signals`, Ctrl-C begins it.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
     *
     * @example
     * const graceful = new Graceful({ signals: true })
     * const endpoint = await createEndpoint({ graceful })
     */
    constructor(options?: GracefulOptions);
    /** Aborts when the shutdown begins. Pass it to calls that should end then. */
    get cancelled(): AbortSignal;
    /**
     * Makes the shutdown wait for work: a promise, or a function that is called immediately with {@link cancelled}. Work spawned while a
     * shutdown waits counts too. A generator is no work: nothing would run it.
     *
     * Returns the promise of the work. A rejection is never unhandled: the shutdown report lists it. If the process ends without a shutdown,
     * it is a process warning.
     *
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, synchronously. If the shutdown no longer waits, a function is not called and the
     * promise rejects with `ERR_SHUTTING_DOWN`.
     *
     * @example
     * graceful.spawn(async cancelled => {
     *   while (!cancelled.aborted) await poll(cancelled)
     * }, { name: 'poll' })
     */
    spawn<T>(work: Promise<T> | ((cancelled: AbortSignal) => Promise<T> | T), options?: SpawnOptions): Promise<T>;
    /**
     * Shuts down, in this order:
     *
     * 1. The endpoints with this `graceful` option {@link Endpoint.drain | drain}: they refuse new streams and connections, and loops end.
     *    {@link cancelled} aborts.
     * 2. Spawned work, handlers of `listen` and streams that peers opened run to completion, for at most four fifths of the timeout. They
     *    may open new streams. A stream that this side opened counts only as part of spawned work or a handler.
     * 3. The endpoints close concurrently: finished streams are delivered, open ones are cut off, and peers are notified.
     *
     * An endpoint that {@link Endpoint.close} is closing cuts off its open streams immediately. The report counts them too.
     *
     * Never rejects. Later calls return the same promise. Do not await it in a handler or in spawned work, which it waits for. Does not end
     * the process. From now on, a signal of {@link GracefulOptions.signals} ends the process at once.
     *
     * @param options `timeout`: limit of the whole shutdown, in milliseconds. Default: {@link GracefulOptions.timeout}.
     * @returns Report of the work that did not end in time.
     * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, synchronously.
     */
    shutdown(options?: {
        timeout?: number | undefined;
    }): Promise<ShutdownReport>;
}

/**
 * Network on which an endpoint discovers peers and is discovered.
 *
 * | value | contacts |
 * |---|---|
 * | `'internet'` | n0's relays, DNS and pkarr servers; the local network by mDNS; the router for a port mapping |
 * | `'lan'` | the local network only, by mDNS |
 * | `'loopback'` | nothing; binds 127.0.0.1 only |
 * | {@link CustomNetwork} | the servers that it names |
 */
type Network = 'internet' | 'lan' | 'loopback' | CustomNetwork;
/** A relay with its access token. */
interface RelayAddress {
    /** URL of the relay. */
    url: string;
    /** Access token. Default: none. */
    token?: string | undefined;
}
/** DNS lookup of peers. */
interface DnsLookup {
    /** Origin domain of the peers' records. */
    origin: string;
    /** `address:port` of the DNS server. Default: the system's. */
    server?: string | undefined;
}
/**
 * Network with your own servers. The endpoint uses only what is listed here.
 *
 * @example
 * await getEndpoint(secretKey, { network: { relays: ['https://relay.example.com'], dns: 'peers.example.com' } })
 */
interface CustomNetwork {
    /** Relays, as URLs or with an access token. Default: none. */
    relays?: readonly (string | RelayAddress)[] | undefined;
    /** DNS lookup of peers: the origin domain, or the domain with a DNS server. Default: none. */
    dns?: string | DnsLookup | undefined;
    /** URL of the pkarr relay to publish to and look up from. Default: none. */
    pkarr?: string | undefined;
    /** Discover peers on the local network. Default: false. */
    mdns?: boolean | undefined;
    /** Request a port mapping from the router (UPnP, PCP, NAT-PMP). Default: false. */
    portMapping?: boolean | undefined;
    /** Local `address:port` to bind, one per address family. Port 0 selects a free port. Default: all addresses, a free port. */
    bind?: readonly string[] | undefined;
    /** Peers with known addresses. Default: none. */
    peers?: readonly PeerAddress[] | undefined;
}

/**
 * Options of {@link getEndpoint} and {@link createEndpoint}: a plain object. All are optional. Times are in milliseconds, sizes in bytes. Timeouts: fractions are rounded up,
 * 0 means immediately, `Infinity` means none.
 */
interface EndpointOptions {
    /**
     * Network to discover peers on. Default: the environment variable `FASTN_NET_NETWORK` (`internet`, `lan` or `loopback`), else
     * `'internet'`.
     */
    network?: Network | undefined;
    /**
     * Shuts down gracefully at Ctrl-C (SIGINT) and SIGTERM: running handlers finish, for up to 4 s, then peers
     * are notified. Or:
     *
     * - options of {@link Graceful}, such as `{ timeout: 60_000 }`: the same two signals, unless `signals` says otherwise
     * - a {@link Graceful}, which several endpoints and other work may share: the endpoint closes in its shutdown
     *
     * Default: false. A signal then has its default action: the process ends, and peers notice after up to 30 s.
     */
    graceful?: boolean | GracefulOptions | Graceful | undefined;
    /**
     * Notify peers when the process or thread emits `exit`: at `process.exit()`, after an uncaught exception, and so on. Peers then see
     * a close instead of a timeout. Blocks for 100 ms at most, for all endpoints together; finished streams have half of that to arrive.
     * Default: false. Peers notice when the connection times out.
     */
    closeOnExit?: boolean | undefined;
    /** Cancels {@link getEndpoint}. It rejects with the signal's reason, and no port stays bound. */
    signal?: AbortSignal | undefined;
    /** Also speak `/kulfi/identity/0.1` with malai and kulfi peers, and be found by them where mDNS is on. Default: false. */
    kulfi?: boolean | undefined;
    /**
     * Peers that may connect and use this endpoint's listeners: an array, a `Set`, or another iterable. To change it later:
     * {@link Endpoint.access}. Default: all peers.
     */
    allow?: Peers | undefined;
    /** Peers that may not, even if `allow` lists them. To change it later: {@link Endpoint.access}. Default: none. */
    deny?: Peers | undefined;
    /**
     * Which peers may use which protocols and services, in addition to `allow` and `deny`. To change it later: {@link Access.setPolicy}.
     * Default: none. Every peer may use every protocol that this endpoint listens for.
     */
    policy?: Policy | undefined;
    /** Callbacks that authorize each connection and each stream. Default: none. Every peer that the lists admit is authorized. */
    authorize?: Authorize | undefined;
    /** Timeout of `getStream`, `connect` and `ping`, over all attempts; then `ERR_UNREACHABLE`. Default: 30 s. */
    openTimeout?: number | undefined;
    /** Retry policy of dials. */
    connect?: ConnectOptions | undefined;
    /** Timeout from sending a header to the peer's ack, also with `ack: 'later'`; then `ERR_ACK_TIMEOUT`. Default: 10 s. */
    ackTimeout?: number | undefined;
    /**
     * Timeout of a ping's answer; then `ERR_PING`. Also of the pings that check an idle connection. While a call waits, theirs is 3 s.
     * Default: 5 s.
     */
    pingTimeout?: number | undefined;
    /** Timeout of an incoming stream's header. Default: 10 s. */
    headerTimeout?: number | undefined;
    /** Timeout of `close()`, including the delivery of finished streams. Default: 5 s. */
    closeTimeout?: number | undefined;
    /**
     * Idle timeout of connections without an open stream, a pending call or a held {@link Connection}. The dialler closes them, unless
     * {@link Endpoint.keep} is active. Default: 60 s.
     */
    idleTimeout?: number | undefined;
    /** Longest header of an incoming stream. Default: 64 KiB. */
    maxHeaderBytes?: number | undefined;
    /** Longest line that `nextString`, `nextJson` and `lines` return. Default: 1 MiB. */
    maxLineBytes?: number | undefined;
    /**
     * Receive window of a connection: unread bytes that the peer may send. One stream uses at most 1.25 MB of it. For each open stream
     * beyond 12, the window grows by 1.43 MB, so that unread streams leave room for others. It never shrinks. `receiveWindowPerPeer`
     * bounds it.
     *
     * When unread data fills the window, nothing more arrives on the connection until this side reads or stops streams. New streams fail
     * with `ERR_ACK_TIMEOUT` and pings with `ERR_PING`, in both directions. Below 16 MiB, fewer than 12 unread streams suffice for that.
     *
     * Default: 16 MiB.
     */
    receiveWindow?: number | undefined;
    /**
     * Receive window shared by a peer's connections, each of which has 64 KiB in addition. Once it is used up, new connections get only
     * those 64 KiB until another one closes. The growth of a connection leaves one `receiveWindow` for a new connection. With the
     * defaults, streams flow beside up to 35 full unread ones. Default: 64 MiB, or `receiveWindow` if that is more.
     */
    receiveWindowPerPeer?: number | undefined;
    /** Concurrent incoming streams per connection. Default: 1,024. */
    maxStreams?: number | undefined;
    /**
     * Concurrent incoming streams per peer, counted from their header on. More get `ERR_TOO_MANY_STREAMS`.
     * Default: 8,192, or `maxStreams` if that is more.
     */
    maxStreamsPerPeer?: number | undefined;
    /** Concurrent incoming streams of all peers. More get `ERR_BUSY`. Default: 262,144, or `maxStreamsPerPeer` if that is more. */
    maxStreamsTotal?: number | undefined;
    /** Sustained rate of incoming streams per peer. More get `ERR_BUSY`. Pings do not count. Default: unlimited. */
    streamsPerSecond?: number | undefined;
    /** Burst size of that rate: streams per peer at once. Default: `streamsPerSecond`. */
    streamsBurst?: number | undefined;
    /**
     * Connections of all peers. More get `ERR_BUSY`. Handshakes have separate bounds. Also bounds the tracked peers, of which the least
     * recently active is forgotten first. Default: 10,000.
     */
    maxConnections?: number | undefined;
    /** Connections per peer. More get `ERR_BUSY`. Default: 64. */
    maxConnectionsPerPeer?: number | undefined;
    /** Acknowledged streams in the queue of one listener. Default: 1,024. */
    maxQueuedStreams?: number | undefined;
    /** Acknowledged streams per peer in the queue of one listener. Default: 256. */
    maxQueuedStreamsPerPeer?: number | undefined;
}

/**
 * Creates an endpoint: binds its sockets, and dials and accepts peers under this key. Peers can connect once something listens.
 *
 * An endpoint belongs to the thread that created it. It keeps the process alive only while it listens or a call is pending. If it is
 * still open when the event loop is empty, it closes, within 3 s.
 *
 * @throws {FastnNetError} `ERR_SECRET_KEY`. `ERR_INVALID_ARGUMENT` for an option, which the message names. `ERR_BIND` if no socket can
 * be bound. `ERR_SHUTTING_DOWN` if `options.graceful` is shutting down. `ERR_NATIVE` if there is no addon for this platform.
 *
 * @example
 * await using endpoint = await getEndpoint(SecretKey.generate())
 * await using stream = await endpoint.getStream(peer, 'Echo')
 */
declare function getEndpoint(secretKey: SecretKey, options?: EndpointOptions): Promise<Endpoint>;
/** Options of {@link createEndpoint}. */
interface CreateEndpointOptions extends EndpointOptions {
    /**
     * Key of the endpoint. Its ID52 lasts as long as the key.
     *
     * - `'ephemeral'`: a new key, which is stored nowhere
     * - a path, such as `'server.key'`: the key in this file. Relative to the current folder. A missing file is created with a new key,
     *   in a folder that exists. It holds the key as hex, is readable by its owner only (mode 0600), and appears whole or not at all
     * - a {@link SecretKey}: `SecretKey.from(hex)` for a secret that the program stores itself
     *
     * A string that looks like a key, a ticket or a mistyped `'ephemeral'` is an error. `'./name'` is always a path.
     *
     * Default: `'ephemeral'`.
     */
    key?: 'ephemeral' | (string & Record<never, never>) | SecretKey | undefined;
}
/**
 * Creates this program's endpoint: binds its sockets, so that it can dial peers and listen to them. Makes or loads its key; otherwise like
 * {@link getEndpoint}. Programs that start at the same time with the same path get the same key.
 *
 * @throws {FastnNetError} The errors of {@link getEndpoint}. `ERR_KEY_STORE` if the key file holds no key or cannot be written,
 * or its folder does not exist.
 *
 * @example
 * const endpoint = await createEndpoint({ key: 'server.key', graceful: true })
 * endpoint.listen({ Echo: stream => stream.finish('hello\n') })
 * console.log(await endpoint.ticket())
 */
declare function createEndpoint(options?: CreateEndpointOptions): Promise<Endpoint>;

/**
 * Storage of secret keys by ID52. Implement it to use your own vault.
 *
 * `keyring: true` selects the system keyring: Keychain, Credential Manager or Secret Service, under the service name `fastn`. It
 * needs the optional package `@napi-rs/keyring`.
 */
interface Keyring {
    /** Reads the secret of an ID52: 64 hex digits or 32 bytes. Resolves with `null` if there is none. */
    read(id52: string): Promise<string | Uint8Array | null>;
    /** Stores a secret of 32 bytes. */
    write(id52: string, secret: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** Where a key is stored. */
interface KeyStoreOptions {
    /** Folder of the key files. Default: the current folder. */
    folder?: string | undefined;
    /**
     * Name of the key. Its files are `{name}.private-key` and `{name}.id52`.
     * The name is a plain file name: not empty, `.` or `..`, without `/`, `\`, `:` or control characters, and without white space
     * around it.
     * Default: none. A program's only key is in `.fastn.secret-key` or `.fastn.id52`.
     */
    name?: string | undefined;
    /**
     * Keyring to use. `true` selects the system keyring, which needs the package `@napi-rs/keyring`; `false` uses none.
     * Default: false.
     */
    keyring?: boolean | Keyring | undefined;
    /** Environment variables to read. Default: `process.env`. */
    env?: Readonly<Record<string, string | undefined>> | undefined;
    /** Cancels waiting for a keyring, which may prompt the user. The call rejects with the signal's reason. */
    signal?: AbortSignal | undefined;
}
/** Options of {@link loadSecretKey}. */
interface LoadSecretKeyOptions extends KeyStoreOptions {
    /**
     * Public key whose secret to load. Searches the environment and the keyring, not files. Cannot be combined with `name`.
     * Default: none.
     */
    id52?: string | PublicKey | undefined;
}
/** A stored secret key. */
interface StoredSecretKey {
    /** The key. */
    readonly secretKey: SecretKey;
    /** Where the key is stored, for display: a path, the name of an environment variable, or the keyring. */
    readonly place: string;
    /** Whether this call created the key. */
    readonly created: boolean;
}

/**
 * Loads a secret key from the places that the Rust programs use. Resolves with `null` if there is none.
 *
 * | options | places, in this order |
 * |---|---|
 * | none | `FASTN_SECRET_KEY` (hex), the file `.fastn.secret-key` (hex), the file `.fastn.id52` |
 * | `name` | the line `{name}: {hex}` of the environment, the file `{name}.private-key` (hex) or `{name}.id52` |
 * | `id52` | the line of the environment whose prefix starts the ID52, the keyring |
 *
 * The lines of the environment are in `FASTN_SECRET_KEYS`, or in the file named by `FASTN_SECRET_KEYS_FILE`.
 * An `.id52` file means that the secret is in those lines or in the keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE`:
 * - a place holds no key, or another key
 * - two places conflict: both files of one name, or both variables of lines
 * - the key is in a keyring, and `keyring` is not set or the keyring is missing or locked
 * - a key file is not a regular file, is larger than 64 KiB, or is a link to a missing file
 *
 * `ERR_PEER_ADDRESS` if `id52` is not a public key. `ERR_INVALID_ARGUMENT` if `name` is not a plain file name, or a variable in `env`
 * is not a string.
 *
 * @example
 * const secretKey = await loadSecretKey({ name: 'server' })
 */
declare function loadSecretKey(options?: LoadSecretKeyOptions): Promise<SecretKey | null>;
/**
 * Saves a secret key in `.fastn.secret-key` or `{name}.private-key`, readable by its owner only (mode 0600). With `keyring`, saves
 * the secret in the keyring and the ID52 in `.fastn.id52` or `{name}.id52`. Resolves with the path of the file.
 *
 * Never overwrites a key. If writing the file fails, the secret stays in the keyring.
 *
 * @throws {FastnNetError} `ERR_KEY_STORE` if a key exists or cannot be written. `ERR_SECRET_KEY` if `secretKey` is not a secret key.
 * `ERR_INVALID_ARGUMENT` if `name` is not a plain file name.
 *
 * @example
 * await saveSecretKey(SecretKey.generate(), { name: 'server' })
 */
declare function saveSecretKey(secretKey: SecretKey, options?: KeyStoreOptions): Promise<string>;
/**
 * Loads a secret key like {@link loadSecretKey}. If there is none, generates one and saves it like {@link saveSecretKey}.
 *
 * An unusable key is an error; it is never replaced. Programs that start at the same time all get the same key.
 *
 * @throws {FastnNetError} The errors of {@link loadSecretKey} and {@link saveSecretKey}.
 *
 * @example
 * const { secretKey, place, created } = await readOrCreateSecretKey()
 * if (created) console.log(`new key ${secretKey.id52} in ${place}`)
 */
declare function readOrCreateSecretKey(options?: KeyStoreOptions): Promise<StoredSecretKey>;

/** Severity of a log record. */
type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace';
/** Log record of the native side. Contains no secret key and no content of a stream. */
interface LogRecord {
    /** Milliseconds since 1970, with a fraction. */
    readonly time: number;
    /** Severity. */
    readonly level: LogLevel;
    /** Module that logs: `fastn_net::…` for this library, `iroh::…`, `noq::…` and others for its transport. */
    readonly target: string;
    /** Human-readable text. */
    readonly message: string;
    /**
     * Fields of the record and of its spans. Records of this library have `peer` (ID52), `connection` and `stream` (numbers) where
     * they apply. Integers beyond 2^53 are strings.
     */
    readonly fields: {
        readonly [name: string]: string | number | boolean;
    };
    /** Number of records that were lost here because the logger was too slow. Only set where records were lost. */
    readonly dropped?: number;
}
/** Receives log records. If it throws or rejects, the process gets one warning (`ERR_LOGGER`), and logging continues. */
type Logger = (record: LogRecord) => unknown;
/** Options of {@link setLogger}. */
interface LoggerOptions {
    /**
     * Levels by target: `target=level`, comma-separated. The longest target that is a prefix of the record's target wins. A level alone
     * applies to all other targets. Default: `warn,fastn_net=info`.
     */
    filter?: string | undefined;
}
/**
 * Passes the log records of the native side to a function; `null` removes it. Each thread has one logger, which receives the records
 * of all endpoints of the process.
 *
 * Records arrive in batches. Up to 4 MiB of them wait; more are dropped, and a record with `dropped` takes their place. The remaining
 * records are passed on when the logger is removed, and at the process's `exit` event. Does not keep the process alive. Costs nothing
 * while there is no logger.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT` names the unreadable part of the filter; the previous logger stays. `ERR_BUSY` if
 * other native code in the process owns the tracing subscriber. `ERR_NATIVE`.
 *
 * @example
 * setLogger(({ level, message, fields }) => console.error(level, message, fields), { filter: 'warn,fastn_net=debug' })
 */
declare function setLogger(logger: Logger | null, options?: LoggerOptions): void;

/** Message of the tracing channel `fastn-net:request`: this side calls a peer, or a handler of `serve` runs. */
interface RequestMessage {
    /** ID52 of this endpoint. */
    readonly endpoint: string;
    /** ID52 of the peer. */
    readonly peer: string;
    /** Protocol of the request. */
    readonly protocol: Protocol;
    /** `'out'`: this side calls; ends when the answer begins. `'in'`: a handler serves a peer's request; ends with the handler. */
    readonly direction: 'in' | 'out';
    /** Failure. Set from `error` on. */
    error?: unknown;
    /** The answer, or what the handler returned. Set from `asyncStart` on. */
    result?: unknown;
}

export { Access, ByteStream, Connection, Endpoint, FastnNetError, Graceful, HttpEndpoint, IncomingConnections, IncomingStreams, KeepConnected, Listener, MessageStream, PeerChanges, PeerStream, Protocol, ProxyEndpoint, PublicKey, QueueIterator, RequestEndpoint, SecretKey, Service, Tunnel, TunnelEndpoint, createEndpoint, defineService, errorCodes, getEndpoint, isFastnNetError, loadSecretKey, readOrCreateSecretKey, saveSecretKey, setLogger };
export type { AccessDecision, AccessLists, Authorize, Awaitable, BodyOptions, BridgeHttpOptions, BridgeOptions, BridgeUdpOptions, CallOptions, CancelOptions, Carried, CarriedMethods, ClientMethod, ConnectMessage, ConnectOptions, ConnectionClosed, ConnectionPath, ConnectionStats, CreateEndpointOptions, CustomNetwork, DnsLookup, EndpointAddress, EndpointOptions, ExplainOptions, ExposeHttpOptions, ExposeOptions, ExposeProxyOptions, ExposeUdpOptions, ExposedServiceOptions, FastnNetErrorCode, FastnNetErrorOptions, FetchOptions, GracefulOptions, HttpContext, HttpDestination, HttpHandler, Items, ItemsSchema, Json, JsonOf, KeyStoreOptions, Keyring, LineOptions, ListenOptions, LoadSecretKeyOptions, LogLevel, LogRecord, Logger, LoggerOptions, MessageSchema, MethodDefinition, MethodDefinitions, Network, NoHandler, OpenOptions, Peer, PeerAddress, PeerConnection, PeerInfo, Peers, PlainObject, Policy, PolicyEffect, PolicyRate, PolicyRule, ProxyOptions, ReadIntoOptions, ReceivedMessage, ReceivedValue, RelayAddress, RequestContext, RequestHandler, RequestMessage, RequestOptions, ReturnedValue, SchemaCallOptions, SchemaInput, SchemaIssue, SchemaOutput, SchemaServeOptions, Sendable, SentMessage, SentValue, ServeHttpOptions, ServeOptions, ServeProtocolOptions, ServiceClient, ServiceImplementation, ServiceOptions, ShutdownReport, SpawnOptions, StandardSchemaIssue, StandardSchemaPathSegment, StandardSchemaProps, StandardSchemaResult, StandardSchemaV1, StoredSecretKey, StreamHandler, StreamHandlers, StreamMessage, TimeoutOptions, TunnelTarget, UnitProtocol, WithToJson };
