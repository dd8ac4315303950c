import { Duplex, type DuplexOptions } from 'node:stream'
import { coreOf, PeerStream } from '../connection/connection.js'
import { checkOptions, invalid, type OptionNames } from '../util/validate.js'

/** Options of {@link duplex}: those of a Node stream that a socket leaves open. */
export type PeerDuplexOptions = Pick<DuplexOptions, 'readableHighWaterMark' | 'writableHighWaterMark' | 'signal'>

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
export function duplex(stream: PeerStream, options?: PeerDuplexOptions): PeerDuplex {
  return new PeerDuplex(stream, options)
}

const duplexNames: OptionNames<PeerDuplexOptions> = {
  readableHighWaterMark: true,
  writableHighWaterMark: true,
  signal: true
}

const blockBytes = 64 * 1024
const leastRoom = 16 * 1024

/** What {@link duplex} makes. A failure is an `'error'` event; without a listener it is only a close, and never ends the process. */
export class PeerDuplex extends Duplex {
  readonly #stream: PeerStream
  readonly #ended: () => void
  #block = Buffer.alloc(0)
  #used = 0
  #idleMs = 0
  #idle: NodeJS.Timeout | undefined

  constructor(stream: PeerStream, options: PeerDuplexOptions = {}) {
    if (!(stream instanceof PeerStream)) throw invalid('stream', 'a PeerStream')
    super({ ...checkOptions(options, duplexNames), allowHalfOpen: true, decodeStrings: false })
    this.#stream = stream
    this.#ended = coreOf(stream).lend()
    this.on('error', () => {})
  }

  /** ID52 of the peer, where a socket has an address. */
  get remoteAddress(): string {
    return this.#stream.remoteId52
  }

  /** Emits `'timeout'` when nothing was received or sent for so many milliseconds; 0 switches it off. Closes nothing. */
  setTimeout(ms: number, onTimeout?: () => void): this {
    if (onTimeout !== undefined) this.once('timeout', onTimeout)
    clearTimeout(this.#idle)
    this.#idleMs = ms
    this.#idle = ms > 0 ? setTimeout(() => this.emit('timeout'), ms).unref() : undefined
    return this
  }

  /** The time of {@link setTimeout}. */
  get timeout(): number {
    return this.#idleMs
  }

  /** QUIC does not gather small writes: nothing to do. */
  setNoDelay(): this {
    return this
  }

  /** The endpoint keeps its connections alive: nothing to do. */
  setKeepAlive(): this {
    return this
  }

  /** A waiting read or write keeps the process alive again. */
  ref(): this {
    coreOf(this.#stream).setKeepsAlive(true)
    return this
  }

  /** A waiting read or write, now and later, does not keep the process alive. */
  unref(): this {
    coreOf(this.#stream).setKeepsAlive(false)
    return this
  }

  /** @internal */
  override async _read(): Promise<void> {
    try {
      if (this.#block.length - this.#used < leastRoom) {
        this.#block = Buffer.allocUnsafeSlow(blockBytes)
        this.#used = 0
      }
      const block = this.#block
      const from = this.#used
      const count = await this.#stream.read({ into: block.subarray(from) })
      this.#active()
      if (count === null) return void this.push(null)
      this.#used = from + count
      this.push(block.subarray(from, this.#used))
    } catch (error) {
      this.destroy(error as Error)
    }
  }

  /** @internal */
  override _write(chunk: Uint8Array | string, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#active()
    const bytes = typeof chunk === 'string' && !isUtf8(encoding) ? Buffer.from(chunk, encoding) : chunk
    this.#stream.write(bytes).then(() => done(), done)
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    this.#stream.finish().then(() => done(), done)
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#idle)
    this.#stream[Symbol.asyncDispose]()
      .then(() => done(error), done)
      .finally(this.#ended)
  }

  #active(): void {
    this.#idle?.refresh()
  }
}

function isUtf8(encoding: BufferEncoding): boolean {
  return encoding === 'utf8' || encoding === 'utf-8'
}
