import { networkInterfaces } from 'node:os'
import iroh, { type BiStream, type Connection, type Endpoint as RawEndpoint } from '@number0/iroh'
import { type PeerAddress, PublicKey } from 'fastn-net'

/**
 * A third-party peer: iroh's own binding for Node.js. It knows QUIC, but not the framing, so a test sends and expects every byte.
 *
 * It requests port mappings from the router and has no option to disable that, so it starts only on a network with loopback alone.
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

  /** Starts a peer that binds an address of an isolated test network. */
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
  // Referenced, because the garbage collector would end an unreferenced stream.
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

  /** Resolves with the close reason, in iroh's words. */
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
   * Releases both halves like a Rust peer that drops them: STOP_SENDING for unread bytes, and a FIN after the sent bytes. After a stop by
   * the other side it resets, because `finish` then frees nothing.
   */
  async drop(): Promise<void> {
    // A half may have ended already.
    await this.stop(0).catch(() => {})
    await this.#stream.send.finish().catch(() => {})
    const code = await this.stopped().catch(() => null)
    if (code !== null) await this.reset(code).catch(() => {})
  }

  /** Reads exactly this many bytes, as text. */
  async take(count: number): Promise<string> {
    return Buffer.from(await this.#stream.recv.readExact(count)).toString()
  }

  /** Reads all bytes up to the end, as text. Rejects when the stream is reset. */
  async rest(): Promise<string> {
    return Buffer.from(await this.#stream.recv.readToEnd(64 * 1024 * 1024)).toString()
  }

  /** The code with which the other side reset its half; `null` after a FIN. */
  wasReset(): Promise<number | null> {
    return this.#stream.recv.receivedReset()
  }

  /** The code with which the other side stopped our half; `null` if it took everything. */
  stopped(): Promise<number | null> {
    return this.#stream.send.stopped()
  }
}

/** The raw peer's bytes are arrays of numbers. */
function list(bytes: string | Uint8Array): number[] {
  return Array.from(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
}
