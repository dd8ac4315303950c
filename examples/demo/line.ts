import { createHash } from 'node:crypto'
import type { Endpoint, PeerStream } from 'fastn-net'
import type { Receipt } from './receipt.js'

/** Sends one line on its own stream. Streams the line in pieces, so a line of any length is never buffered whole. */
export class Line {
  readonly #started = performance.now()
  readonly #hash = createHash('sha256')
  readonly #stream: Promise<PeerStream>
  readonly #number: number
  #bytes = 0

  constructor(endpoint: Endpoint, ticket: string, number: number) {
    this.#number = number
    this.#stream = endpoint.getStream(ticket, 'AccountToAccount', { ack: 'later' })
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#count(bytes)
    await (await this.#stream).write(bytes)
  }

  async finish(bytes: Uint8Array): Promise<{ milliseconds: number; good: boolean }> {
    this.#count(bytes)
    await using stream = await this.#stream
    await stream.finish(bytes)
    const reply = await stream.nextJson<Receipt>()
    const milliseconds = performance.now() - this.#started
    console.log(
      `sender    line ${this.#number}: ${reply.bytes} bytes, SHA-256 ${reply.sha256.slice(0, 16)}…, ${milliseconds.toFixed(2)} ms`
    )
    return { milliseconds, good: reply.bytes === this.#bytes && reply.sha256 === this.#hash.digest('hex') }
  }

  #count(bytes: Uint8Array): void {
    this.#hash.update(bytes)
    this.#bytes += bytes.length
  }
}
