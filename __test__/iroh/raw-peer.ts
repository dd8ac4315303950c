import { networkInterfaces } from 'node:os'
import iroh, { type BiStream, type Connection, type Endpoint as RawEndpoint } from '@number0/iroh'
import { type PeerAddress, PublicKey } from 'fastn-net'

/**
 * A peer made by others: iroh's own binding for Node. It knows QUIC and nothing of the framing, so a test says every byte.
 *
 * It asks the router for ports and cannot be told not to: it starts only where there is no other network than loopback.
 */
export class RawPeer {
  readonly #endpoint: RawEndpoint

  private constructor(endpoint: RawEndpoint) {
    this.#endpoint = endpoint
  }

  static async start(...alpns: string[]): Promise<RawPeer> {
    const outside = Object.values(networkInterfaces()).some(addresses => addresses?.some(({ internal }) => !internal))
    if (outside) throw new Error('a raw peer starts only in a network namespace of its own: run this with npm test')
    return await RawPeer.startAt('127.0.0.1:0', ...alpns)
  }

  /** One that binds an address of a network that the test has made, and that leads nowhere. */
  static async startAt(address: string, ...alpns: string[]): Promise<RawPeer> {
    const builder = iroh.Endpoint.builder()
    iroh.presetMinimal(builder)
    builder.relayMode(iroh.RelayMode.disabled())
    builder.bindAddr(address)
    builder.alpns(alpns.map(list))
    return new RawPeer(await builder.bind())
  }

  get id52(): string {
    return PublicKey.from(Uint8Array.from(this.#endpoint.id().toBytes())).id52
  }

  get address(): PeerAddress {
    const addresses = this.#endpoint.boundSockets().filter(socket => socket.startsWith('127.0.0.1:'))
    return { id52: this.id52, addresses }
  }

  async connect({ id52, addresses }: PeerAddress, alpn: string): Promise<RawConnection> {
    const id = iroh.EndpointId.fromBytes(list(PublicKey.from(id52).toBytes()))
    const address = new iroh.EndpointAddr(id, undefined, [...(addresses ?? [])])
    return new RawConnection(await this.#endpoint.connect(address, list(alpn)))
  }

  async accept(): Promise<RawConnection> {
    const incoming = await this.#endpoint.acceptNext()
    if (incoming === null) throw new Error('the raw peer was closed')
    return new RawConnection(await (await incoming.accept()).connect())
  }

  close(): Promise<void> {
    return this.#endpoint.close()
  }
}

export class RawConnection {
  readonly #connection: Connection
  // A stream that the collector finds is ended by it, at a time of its own.
  readonly #streams: RawStream[] = []

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get alpn(): string {
    return Buffer.from(this.#connection.alpn()).toString()
  }

  async open(first: string | Uint8Array = ''): Promise<RawStream> {
    const stream = this.#keep(await this.#connection.openBi())
    await stream.write(first)
    return stream
  }

  async accept(): Promise<RawStream> {
    return this.#keep(await this.#connection.acceptBi())
  }

  close(code: number, reason: string): void {
    this.#connection.close(BigInt(code), list(reason))
  }

  /** Resolves with how it ended, in iroh's words. */
  closed(): Promise<string> {
    return this.#connection.closed()
  }

  #keep(pair: BiStream): RawStream {
    const stream = new RawStream(pair)
    this.#streams.push(stream)
    return stream
  }
}

export class RawStream {
  readonly #stream: BiStream

  constructor(stream: BiStream) {
    this.#stream = stream
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    if (bytes.length > 0) await this.#stream.send.writeAll(list(bytes))
  }

  async finish(bytes: string | Uint8Array = ''): Promise<void> {
    await this.write(bytes)
    await this.#stream.send.finish()
  }

  reset(code: number): Promise<void> {
    return this.#stream.send.reset(BigInt(code))
  }

  stop(code: number): Promise<void> {
    return this.#stream.recv.stop(BigInt(code))
  }

  /**
   * Releases both halves as a Rust peer does by dropping them: STOP_SENDING for what it did not read, the end behind what it
   * sent, or a reset where it was stopped itself, for there `finish` frees nothing.
   */
  async drop(): Promise<void> {
    // A half that is over already is no failure here.
    await this.stop(0).catch(() => {})
    await this.#stream.send.finish().catch(() => {})
    const code = await this.stopped().catch(() => null)
    if (code !== null) await this.reset(code).catch(() => {})
  }

  /** Exactly so many bytes, as text. */
  async take(count: number): Promise<string> {
    return Buffer.from(await this.#stream.recv.readExact(count)).toString()
  }

  /** All bytes up to the end, as text. Rejects when the stream is reset instead. */
  async rest(): Promise<string> {
    return Buffer.from(await this.#stream.recv.readToEnd(64 * 1024 * 1024)).toString()
  }

  /** The code that the other side reset its sending with, `null` when it ended well. */
  wasReset(): Promise<number | null> {
    return this.#stream.recv.receivedReset()
  }

  /** The code that the other side stopped our sending with, `null` when it took all of it. */
  stopped(): Promise<number | null> {
    return this.#stream.send.stopped()
  }
}

/** The raw peer's bytes are arrays of numbers. */
function list(bytes: string | Uint8Array): number[] {
  return Array.from(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
}
