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

/** Both ALPNs that every peer may use. */
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

/** We accept, and the raw peer dials. */
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

/** The next incoming stream. */
export async function next(streams: IncomingStreams): Promise<PeerStream> {
  const { done, value } = await streams.next()
  if (done) throw new Error('no stream will come any more')
  return value
}

/** A stream that the raw peer opened, from both ends, with its ack read. */
export async function accepted({ streams, raw }: Acceptor, line = echoLine): Promise<[PeerStream, RawStream]> {
  const theirs = await raw.open(line)
  const ack = await theirs.take(4)
  if (ack !== 'ack\n') throw new Error(`${JSON.stringify(ack)} in place of the ack`)
  return [await next(streams), theirs]
}

export interface Dialler {
  readonly endpoint: Endpoint
  readonly peer: RawPeer
  /** Our end of the connection. Held, so that it is not closed when it is unused. */
  readonly connection: Connection
  /** The raw peer's end. */
  readonly raw: RawConnection
}

/** We dial, and the raw peer accepts. The connection is established. */
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
 * The connection of the next stream, after a stream that was refused or never acknowledged. An older peer accepts no further stream on
 * the same connection, so there is a new one.
 */
export async function behindRefusal({ endpoint, peer, connection, raw }: Dialler): Promise<Dialler> {
  if (raw.alpn === '/fastn-net/1') return { endpoint, peer, connection, raw }
  await connection[Symbol.asyncDispose]()
  return await dialled(endpoint, peer)
}

/** Begins to open a stream to the raw peer. Returns the raw peer's end, and the stream that waits for an ack. */
export async function opening(
  { endpoint, peer, raw }: Dialler,
  protocol: Protocol = echo,
  options: OpenOptions = {}
): Promise<[Promise<PeerStream>, RawStream]> {
  const ours = endpoint.getStream(peer.address, protocol, options)
  // Its failure is seen by a later await.
  ours.catch(() => {})
  return [ours, await raw.accept()]
}

/** The next stream on any new connection to the raw peer. A repeated dial leaves a connection without streams. */
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

/** Waits until everything that the raw peer has sent has arrived: it answers a ping. */
export async function pinged({ endpoint, peer, raw }: Dialler): Promise<void> {
  const ping = endpoint.ping(peer.address)
  await (await raw.accept()).finish('ack\npong\n')
  await ping
}

/** A stream to the raw peer, from both ends, acknowledged, with its header read. */
export async function opened(dialler: Dialler): Promise<[PeerStream, RawStream]> {
  const [ours, theirs] = await opening(dialler)
  await theirs.take(echoLine.length)
  await theirs.write('ack\n')
  return [await ours, theirs]
}

/** A short pause, so that written bytes go out in their own packet. No result depends on it. */
export const pause = (ms = 3): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** The error of a promise that must reject. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  const value = await promise.catch((error: unknown) => ({ error }))
  if (typeof value === 'object' && value !== null && 'error' in value) return value.error as Error
  throw new Error(`it did not fail but gave ${value}`)
}

/** The refusal line, byte for byte. */
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

/** The golden file that the core's own tests read. */
export function golden(name: 'wire'): GoldenWire
export function golden(name: 'protocol'): GoldenProtocol
export function golden(name: string): unknown {
  return JSON.parse(
    readFileSync(new URL(`../../crates/fastn-net-proto/tests/golden/${name}.json`, import.meta.url), 'utf8')
  )
}

/** The protocol of a header, in the form of `stream.protocol`. */
export function protocolOf(text: string): Protocol {
  const protocol = JSON.parse(text) as Protocol
  if (typeof protocol === 'string' || typeof protocol.Generic !== 'string') return protocol
  const isReserved = ['', 'Generic', ...golden('protocol').units].includes(protocol.Generic)
  return isReserved ? protocol : protocol.Generic
}

/** Whether JavaScript writes this protocol like the core does: JavaScript numbers have neither 1.0 nor integers above 2^53. */
export function sayable(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text
  } catch {
    return false
  }
}
