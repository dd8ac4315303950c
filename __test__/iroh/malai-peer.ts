import { createRequire } from 'node:module'
import { type PeerAddress, PublicKey } from 'fastn-net'

/** The package's own types do not compile. */
interface Iroh {
  readonly Iroh: { memory(options: object): Promise<Node> }
}

interface Node {
  readonly node: {
    status(): Promise<{ addr: { nodeId: string }; listenAddrs: string[]; version: string }>
    endpoint(): { connect(address: object, alpn: Uint8Array): Promise<Connection> }
    shutdown(): Promise<void>
  }
  readonly net: { addNodeAddr(address: object): Promise<void> }
}

interface Connection {
  openBi(): Promise<Halves>
  acceptBi(): Promise<Halves>
  closed(): Promise<string>
}

interface Halves {
  readonly send: { writeAll(bytes: Uint8Array): Promise<void>; finish(): Promise<void> }
  readonly recv: { readExact(into: Uint8Array): Promise<void>; readToEnd(limit: number): Promise<Uint8Array> }
}

const alpn = Buffer.from('/kulfi/identity/0.1')

/**
 * A peer with the parts of malai 0.2.4 to 0.2.9: iroh 0.35, with malai's ALPN. A test sends and expects every byte of a stream.
 *
 * It contacts its public relays, so it starts only in a network namespace of its own.
 */
export class MalaiPeer {
  readonly #node: Node
  readonly #accepted: Connection[]
  #wake = () => {}

  private constructor(node: Node, accepted: Connection[]) {
    this.#node = node
    this.#accepted = accepted
  }

  static async start(): Promise<MalaiPeer> {
    const { Iroh } = createRequire(import.meta.url)('iroh-0.35') as Iroh
    const accepted: Connection[] = []
    const handler = {
      accept: async (_: unknown, connection: Connection) => {
        accepted.push(connection)
        peer.#wake()
        await connection.closed()
      },
      shutdown() {}
    }
    const protocols = { [String(alpn)]: () => handler }
    const peer = new MalaiPeer(await Iroh.memory({ protocols, ipv4Addr: '127.0.0.1:0', ipv6Addr: '[::1]:0' }), accepted)
    return peer
  }

  async version(): Promise<string> {
    return (await this.#node.node.status()).version
  }

  async address(): Promise<PeerAddress> {
    const { addr, listenAddrs } = await this.#node.node.status()
    return { id52: PublicKey.from(addr.nodeId).id52, addresses: listenAddrs.filter(at => at.startsWith('127.')) }
  }

  /** Tells it a peer's address, as mDNS does. It drops packets from unknown addresses: without this, that peer cannot dial it. */
  async discover(peer: PeerAddress): Promise<void> {
    await this.#node.net.addNodeAddr(addressOf(peer))
  }

  async connect(peer: PeerAddress): Promise<MalaiConnection> {
    return new MalaiConnection(await this.#node.node.endpoint().connect(addressOf(peer), alpn))
  }

  /** The next connection of a peer. */
  async accept(): Promise<MalaiConnection> {
    while (this.#accepted.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return new MalaiConnection(this.#accepted.shift() as Connection)
  }

  async close(): Promise<void> {
    await this.#node.node.shutdown()
  }
}

function addressOf({ id52, addresses = [] }: PeerAddress): object {
  return { nodeId: PublicKey.from(id52).toHex(), addresses: [...addresses] }
}

export class MalaiConnection {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async open(): Promise<MalaiStream> {
    return new MalaiStream(await this.#connection.openBi())
  }

  async accept(): Promise<MalaiStream> {
    return new MalaiStream(await this.#connection.acceptBi())
  }
}

export class MalaiStream {
  readonly #halves: Halves

  constructor(halves: Halves) {
    this.#halves = halves
  }

  async write(text: string): Promise<void> {
    await this.#halves.send.writeAll(Buffer.from(text))
  }

  async finish(): Promise<void> {
    await this.#halves.send.finish()
  }

  /** Reads exactly this many bytes, as text. */
  async take(count: number): Promise<string> {
    const bytes = Buffer.alloc(count)
    await this.#halves.recv.readExact(bytes)
    return bytes.toString()
  }

  /** Reads all bytes up to the end, as text. */
  async rest(): Promise<string> {
    return Buffer.from(await this.#halves.recv.readToEnd(1 << 20)).toString()
  }
}
