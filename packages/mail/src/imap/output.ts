import type { Duplex } from 'node:stream'

/** Size of the write buffer. */
const gatherBytes = 16 * 1024

/** Writes responses with back-pressure. A slow client blocks only its own session, with bounded memory. */
export class Output {
  #socket: Duplex
  #gathered: string[] = []
  #length = 0
  readonly #stallMs: number

  constructor(socket: Duplex, stallMs: number) {
    this.#socket = socket
    this.#stallMs = stallMs
  }

  /** Continues with another socket: TLS over the first. */
  switchTo(socket: Duplex): void {
    this.#socket = socket
  }

  /** Adds a line, a binary string. */
  line(text: string): void {
    this.text(`${text}\r\n`)
  }

  /** Adds text, a binary string. Call {@link flush} in loops. */
  text(text: string): void {
    this.#gathered.push(text)
    this.#length += text.length
  }

  /** Flushes if the buffer is full. */
  async flushIfFull(): Promise<void> {
    if (this.#length >= gatherBytes) await this.flush()
  }

  /** Flushes the buffer. Waits while the socket is full. */
  async flush(): Promise<void> {
    if (this.#length === 0) return
    const bytes = Buffer.from(this.#gathered.join(''), 'latin1')
    this.#gathered = []
    this.#length = 0
    await this.#write(bytes)
  }

  /** Writes bytes after the text. Waits while the socket is full. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await this.flush()
    await this.#write(bytes)
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (socket.destroyed || socket.write(bytes)) return
    await new Promise<void>(resolve => {
      const done = () => {
        clearTimeout(timer)
        socket.off('drain', done).off('close', done)
        resolve()
      }
      const timer = setTimeout(() => socket.destroy(), this.#stallMs)
      socket.on('drain', done).on('close', done)
    })
  }
}
