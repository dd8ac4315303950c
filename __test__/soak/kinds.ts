// The kinds of requests of the client. Each ends by itself, and fails if the answer is wrong.
import { type Endpoint, getEndpoint, type PeerAddress, type Protocol, SecretKey } from 'fastn-net'
import { answerAbout } from './guarded.js'
import { countBytes, writeBytes } from './handlers.js'
import { Both, Down, Half, Hold, Line, Reset, Slow, Up } from './protocols.js'

const size = () => 1 + Math.floor(Math.random() * 1024 * 1024)

export async function line(endpoint: Endpoint, peer: PeerAddress, ack: 'now' | 'later', protocol: Protocol = Line) {
  await using stream = await endpoint.getStream(peer, protocol, { ack })
  const text = `line ${Math.random()}`
  await stream.finish(`${text}\n`)
  expect(await stream.nextString(), text)
  expect(await stream.read(), null)
}

export async function up(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Up)
  const bytes = size()
  await writeBytes(stream, bytes)
  await stream.finish()
  expect(await stream.nextString(), String(bytes))
}

export async function down(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Down)
  const bytes = size()
  await stream.write(`${bytes}\n`)
  expect(await countBytes(stream), bytes)
}

export async function both(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Both)
  const bytes = size()
  const writing = writeBytes(stream, bytes).then(() => stream.finish())
  expect((await Promise.all([countBytes(stream), writing]))[0], bytes)
}

export async function halfClose(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Half)
  await stream.finish('x'.repeat(1000))
  let lines = 0
  for await (const line of stream.lines()) {
    expect(line, '1000')
    lines++
  }
  expect(lines, 5)
}

export async function reset(endpoint: Endpoint, peer: PeerAddress) {
  await using stream = await endpoint.getStream(peer, Reset)
  await stream.write('please\n')
  const error = await stream.read().then(
    () => ({ code: 'an answer', errorCode: 0 }),
    error => error
  )
  expect(`${error.code} ${error.errorCode}`, 'ERR_STREAM_RESET 7')
}

export async function resetByUs(endpoint: Endpoint, peer: PeerAddress) {
  const stream = await endpoint.getStream(peer, Both)
  await stream.write('some bytes')
  stream.reset(9)
  stream.stop(9)
}

export async function aborted(endpoint: Endpoint, peer: PeerAddress, protocol: Protocol = Hold) {
  const controller = new AbortController()
  setTimeout(() => controller.abort(), Math.random() * 3)
  await using stream = await endpoint.getStream(peer, protocol, { signal: controller.signal })
  await stream.read({ signal: controller.signal })
}

export async function refused(endpoint: Endpoint, peer: PeerAddress, protocol: Protocol, code: string) {
  expect(await codeOf(endpoint.getStream(peer, protocol)), code)
}

export async function shortLived(peer: PeerAddress) {
  await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  await line(endpoint, peer, 'now')
  endpoint.drain()
}

/** A new peer: its authorization depends on its key. */
export async function unknownPeer(authorizing: PeerAddress) {
  await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const about = answerAbout(endpoint.id52)
  const wanted = about === 'at once' || about === 'slowly' ? 'none' : 'ERR_UNAUTHORIZED'
  expect(await codeOf(line(endpoint, authorizing, 'now')), wanted)
}

/** A peer that disconnects while its authorization is pending. */
export async function disconnectingPeer(authorizing: PeerAddress) {
  await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  setTimeout(() => void endpoint.close(), Math.random() * 50)
  await line(endpoint, authorizing, 'now', Slow)
}

/** A new watcher gets each known peer. */
export async function newWatch(endpoint: Endpoint) {
  const missing = new Set(endpoint.peers().map(({ id52 }) => id52))
  for await (const { id52 } of endpoint.watch()) {
    missing.delete(id52)
    if (missing.size === 0) break
  }
}

/** A watch ends with its signal, for all calls that wait. */
export async function abortedWatch(endpoint: Endpoint) {
  const controller = new AbortController()
  const changes = endpoint.watch({ signal: controller.signal })
  setTimeout(() => controller.abort(), Math.random() * 20)
  const look = async () => {
    for await (const { tracked } of changes) expect(typeof tracked, 'boolean')
  }
  await Promise.all([look(), look()])
  expect((await changes.next()).done, true)
}

function expect(got: unknown, wanted: unknown): void {
  if (got !== wanted) throw new Error(`got ${got}, wanted ${wanted}`)
}

async function codeOf(request: Promise<unknown>): Promise<string> {
  return await request.then(
    () => 'none',
    error => error.code ?? String(error)
  )
}
