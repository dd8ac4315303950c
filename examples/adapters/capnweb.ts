// Cap'n Web over one stream: calls in both directions, and functions passed to the other side.
import { RpcSession, RpcTarget, type RpcTransport } from 'capnweb'
import { createEndpoint, type PeerStream } from 'fastn-net'

/** One line for each message. */
class StreamTransport implements RpcTransport {
  readonly #stream: PeerStream

  constructor(stream: PeerStream) {
    this.#stream = stream
  }

  send(message: string): Promise<void> {
    return this.#stream.writeLine(message)
  }

  receive(): Promise<string> {
    return this.#stream.nextString()
  }

  abort(): void {
    void this.#stream.close()
  }
}

class Calculator extends RpcTarget {
  add(a: number, b: number): number {
    return a + b
  }

  async count(to: number, each: (at: number) => Promise<void>): Promise<void> {
    for (let at = 0; at < to; at++) await each(at)
  }

  fail(): void {
    throw new RangeError('out of range')
  }
}

await using server = await createEndpoint()
server.listen({
  async capnweb(stream) {
    const session = new RpcSession(new StreamTransport(stream), new Calculator())
    // Until the client leaves.
    await new Promise(resolve => stream.signal.addEventListener('abort', resolve))
    session.getRemoteMain()[Symbol.dispose]()
  }
})

await using client = await createEndpoint()
await using stream = await client.getStream(await server.ticket(), 'capnweb')
const calculator = new RpcSession<Calculator>(new StreamTransport(stream)).getRemoteMain()
console.log(await calculator.add(1, 2))
await calculator.count(3, async at => console.log(at))
await calculator.fail().catch(error => console.log(error.name, error.message))
