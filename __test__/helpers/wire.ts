import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import {
  type Connection,
  type Endpoint,
  type EndpointOptions,
  getEndpoint,
  type IncomingStreams,
  type OpenOptions,
  type PeerStream,
  type Protocol,
  SecretKey
} from 'fastn-net'
import { type RawConnection, RawPeer, type RawStream } from '../iroh/raw-peer.js'
import { keepAlive } from './pair.js'

/** Both ALPNs that every peer may speak. */
export const alpns = ['/fastn-net/1', '/fastn/entity/0.1'] as const

/** Only peers of this project get its own codes. Older peers see 0. */
export const ownCode = (alpn: string, code: number): number => (alpn === '/fastn-net/1' ? code : 0)

export const echo = 'Echo'
export const echoLine = '{"Generic":"Echo"}\n'

/** An endpoint that is closed when the test ends. */
export async function endpointFor(t: ExecutionContext, options: EndpointOptions = {}): Promise<Endpoint> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 500, ...options })
  const alive = keepAlive()
  t.teardown(async () => {
    alive[Symbol.dispose]()
    await endpoint.close()
  })
  return endpoint
}

/** A raw peer that is closed when the test ends. */
export async function rawPeerFor(t: ExecutionContext, ...alpns: string[]): Promise<RawPeer> {
  const peer = await RawPeer.start(...alpns)
  t.teardown(() => peer.close())
  return peer
}

export interface Acceptor {
  readonly endpoint: Endpoint
  readonly streams: IncomingStreams
  readonly peer: RawPeer
  readonly raw: RawConnection
}

/** We accept, the raw peer dials. */
export async function acceptor(
  t: ExecutionContext,
  alpn: string,
  protocols: Protocol | readonly Protocol[] = echo,
  options: EndpointOptions = {}
): Promise<Acceptor> {
  const endpoint = await endpointFor(t, options)
  const streams = endpoint.acceptBi(protocols)
  const peer = await rawPeerFor(t, alpn)
  return { endpoint, streams, peer, raw: await peer.connect(endpoint.address(), alpn) }
}

/** The next stream that came in. */
export async function next(streams: IncomingStreams): Promise<PeerStream> {
  const { done, value } = await streams.next()
  if (done) throw new Error('no stream will come any more')
  return value
}

/** A stream that the raw peer opened, from both ends, its ack read. */
export async function accepted({ streams, raw }: Acceptor, line = echoLine): Promise<[PeerStream, RawStream]> {
  const theirs = await raw.open(line)
  const ack = await theirs.take(4)
  if (ack !== 'ack\n') throw new Error(`${JSON.stringify(ack)} in place of the ack`)
  return [await next(streams), theirs]
}

export interface Dialler {
  readonly endpoint: Endpoint
  readonly peer: RawPeer
  /** Our end of the connection, held: so it is not closed when it is empty. */
  readonly connection: Connection
  /** The raw peer's end of it. */
  readonly raw: RawConnection
}

/** We dial, the raw peer accepts. The connection is made. */
export async function dialler(t: ExecutionContext, alpn: string, options: EndpointOptions = {}): Promise<Dialler> {
  const endpoint = await endpointFor(t, options)
  const peer = await rawPeerFor(t, alpn)
  return await dialled(endpoint, peer)
}

async function dialled(endpoint: Endpoint, peer: RawPeer): Promise<Dialler> {
  const accepting = peer.accept()
  const connection = await endpoint.connect(peer.address)
  return { endpoint, peer, connection, raw: await accepting }
}

/**
 * Where the next stream goes, behind one that was refused or never acknowledged: an older peer takes no other on that connection,
 * so another is made.
 */
export async function behindRefusal({ endpoint, peer, connection, raw }: Dialler): Promise<Dialler> {
  if (raw.alpn === '/fastn-net/1') return { endpoint, peer, connection, raw }
  await connection[Symbol.asyncDispose]()
  return await dialled(endpoint, peer)
}

/** Begins to open a stream to the raw peer; gives its end, and the stream that waits for an ack. */
export async function opening(
  { endpoint, peer, raw }: Dialler,
  protocol: Protocol = echo,
  options: OpenOptions = {}
): Promise<[Promise<PeerStream>, RawStream]> {
  const ours = endpoint.getStream(peer.address, protocol, options)
  // A later await sees its failure.
  ours.catch(() => {})
  return [ours, await raw.accept()]
}

/** The next stream on any new connection to the raw peer. A dial that was repeated leaves a connection without streams behind. */
export function nextStreamOf(peer: RawPeer): Promise<RawStream> {
  return new Promise((resolve, reject) => {
    const accept = async (): Promise<void> => {
      const raw = await peer.accept()
      raw.accept().then(resolve, () => {})
      await accept()
    }
    accept().catch(reject)
  })
}

/** What the raw peer did before has arrived: it answers a ping. */
export async function pinged({ endpoint, peer, raw }: Dialler): Promise<void> {
  const ping = endpoint.ping(peer.address)
  await (await raw.accept()).finish('ack\npong\n')
  await ping
}

/** A stream to the raw peer, from both ends, acked, its header read. */
export async function opened(dialler: Dialler): Promise<[PeerStream, RawStream]> {
  const [ours, theirs] = await opening(dialler)
  await theirs.take(echoLine.length)
  await theirs.write('ack\n')
  return [await ours, theirs]
}

/** A little while, so that what was written goes out in a packet of its own. Nothing depends on it. */
export const pause = (ms = 3): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** What a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  const value = await promise.catch((error: unknown) => ({ error }))
  if (typeof value === 'object' && value !== null && 'error' in value) return value.error as Error
  throw new Error(`it did not fail but gave ${value}`)
}

/** The refusal line, as it must be written. */
export function refusal(code: string): RegExp {
  return new RegExp(`^\\{"error":"${code}","message":"(?:[^"\\\\]|\\\\.)*"\\}\\n$`)
}

export interface GoldenWire {
  headers: { protocol: Protocol; extra: string | null; hex: string }[]
  badHeaders: string[]
  answers: { what: string; hex: string; refused: { error: string; message: string } | null }[]
  refusals: { error: string; message: string; becomes: string; hex: string }[]
}

export interface GoldenProtocol {
  canonical: { written: string; read: string[] }[]
  classes: string[][]
  units: string[]
  invalid: string[]
}

/** What the core's own tests read. */
export function golden(name: 'wire'): GoldenWire
export function golden(name: 'protocol'): GoldenProtocol
export function golden(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../crates/fastn-net-proto/tests/golden/${name}.json`, import.meta.url), 'utf8')
  )
}

/** A protocol of a header as `stream.protocol` has it. */
export function protocolOf(text: string): Protocol {
  const protocol = JSON.parse(text) as Protocol
  if (typeof protocol === 'string' || typeof protocol.Generic !== 'string') return protocol
  const isReserved = ['', 'Generic', ...golden('protocol').units].includes(protocol.Generic)
  return isReserved ? protocol : protocol.Generic
}

/** Whether JavaScript writes this protocol as the core does: its numbers know neither 1.0 nor integers above 2^53. */
export function sayable(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text
  } catch {
    return false
  }
}
