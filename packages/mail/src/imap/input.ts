import type { Duplex } from 'node:stream'

/**
 * Reason for the end of input: the client closed the connection, an idle timeout, a close of the server, or eviction by a newer connection.
 */
export type EndReason = 'end' | 'timeout' | 'closed' | 'dropped'

/** The input has ended. */
export class InputEnded extends Error {
  readonly reason: EndReason

  constructor(reason: EndReason) {
    super(reason)
    this.reason = reason
  }
}

/** Bytes kept from the start of an overlong line, for its tag. */
const startBytes = 128
/** Bytes kept from its end, for the announcement of a literal. */
const endBytes = 32

/** The start and end of an overlong line. */
export class LongLine {
  readonly start: string
  readonly end: string

  constructor(start: string, end: string) {
    this.start = start
    this.end = end
  }
}

/** Reads lines and literals of a client. Buffers at most one chunk of the socket and the incomplete line. */
export class Input {
  #socket: Duplex
  #held: Buffer = Buffer.alloc(0)
  #wake: (() => void) | undefined
  #ended: InputEnded | undefined

  constructor(socket: Duplex) {
    this.#socket = socket
    this.#attach()
  }

  /** Stops reading the socket, for TLS. */
  detach(): void {
    for (const [event, listener] of this.#listeners) this.#socket.off(event, listener)
  }

  /** Continues with another socket: TLS over the first. */
  switchTo(socket: Duplex): void {
    this.#socket = socket
    this.#attach()
  }

  /** Whether bytes are buffered after the last line. */
  get hasMore(): boolean {
    return this.#held.length > 0 || this.#socket.readableLength > 0
  }

  /** Ends all reads. */
  stop(reason: Exclude<EndReason, 'end'> = 'closed'): void {
    this.#ended ??= new InputEnded(reason)
    this.#wake?.()
  }

  /**
   * Reads a line without its end, CRLF or LF. Resolves to a {@link LongLine} if it exceeds `max`: the whole line is read, and its middle
   * dropped. Rejects with {@link InputEnded}.
   */
  async line(max: number, timeoutMs: number, nextTimeoutMs: number = timeoutMs): Promise<string | LongLine> {
    let start: string | undefined
    let timeout = timeoutMs
    let searched = 0
    for (;;) {
      const end = this.#held.indexOf(0x0a, searched)
      if (end !== -1) {
        const line = this.#held.subarray(0, end > 0 && this.#held[end - 1] === 0x0d ? end - 1 : end)
        this.#held = this.#held.subarray(end + 1)
        if (start === undefined && line.length <= max) return line.toString('latin1')
        return new LongLine(
          start ?? line.toString('latin1', 0, startBytes),
          line.subarray(-endBytes).toString('latin1')
        )
      }
      // Wait for the start: with literals, less of the command's length may remain.
      if (this.#held.length > Math.max(max, startBytes)) {
        start ??= this.#held.toString('latin1', 0, startBytes)
        // Includes the carriage return, which may have arrived before its line feed.
        this.#held = Buffer.from(this.#held.subarray(-endBytes - 1))
      }
      searched = this.#held.length
      await this.#more(timeout)
      timeout = nextTimeoutMs
    }
  }

  /** Reads an exact number of bytes, in chunks. Rejects with {@link InputEnded}. */
  async *bytes(count: number, timeoutMs: number): AsyncGenerator<Buffer, void, undefined> {
    let left = count
    while (left > 0) {
      if (this.#held.length === 0) await this.#more(timeoutMs)
      const chunk = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(chunk.length)
      left -= chunk.length
      yield chunk
    }
  }

  /** Adds the next chunk of the socket. */
  async #more(timeoutMs: number): Promise<void> {
    for (;;) {
      // Data before the end is still read.
      if (this.#ended && this.#ended.reason !== 'end') throw this.#ended
      const chunk = this.#socket.read() as Buffer | null
      if (chunk !== null) {
        this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
        return
      }
      if (this.#ended) throw this.#ended
      await this.#readable(timeoutMs)
    }
  }

  #readable(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#wake = undefined
        reject(new InputEnded('timeout'))
      }, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve()
      }
    })
  }

  readonly #onReadable = (): void => this.#wake?.()

  readonly #onEnd = (): void => {
    this.#ended ??= new InputEnded('end')
    this.#wake?.()
  }

  readonly #listeners: [string, () => void][] = [
    ['readable', this.#onReadable],
    ['end', this.#onEnd],
    ['close', this.#onEnd]
  ]

  #attach(): void {
    for (const [event, listener] of this.#listeners) this.#socket.on(event, listener)
  }
}
