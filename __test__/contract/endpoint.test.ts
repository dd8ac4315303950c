// Endpoints and the peers that they reach.
import test from 'ava'
import { type Endpoint, getEndpoint, type Peer, type PeerStream, PublicKey, SecretKey } from 'fastn-net'
import { Echo, pair, readAll } from '../helpers/pair.js'

const echo = async (stream: PeerStream) => {
  for await (const chunk of stream) await stream.write(chunk)
}

async function ask(client: Endpoint, peer: Peer) {
  await using stream = await client.getStream(peer, Echo)
  await stream.finish('hello')
  return (await readAll(stream)).toString()
}

test('a peer is an address, a ticket, or, once its address is known, an id or key', async t => {
  await using peers = await pair()
  const { client, server } = peers
  server.listen([[Echo, echo]])
  t.is(await ask(client, await server.ticket()), 'hello')
  t.is(await ask(client, server.address()), 'hello')
  t.is(await ask(client, server.id52), 'hello')
  t.is(await ask(client, server.id52.toUpperCase()), 'hello')
  t.is(await ask(client, server.publicKey), 'hello')
  t.is(await ask(client, PublicKey.from(server.publicKey.toBytes())), 'hello')
  t.is(await ask(client, { id52: server.id52 }), 'hello')
})

test('rejects an invalid peer', async t => {
  await using peers = await pair()
  for (const peer of ['', 'nobody', 'x'.repeat(52), 'endpointbutnoticket'.repeat(5)]) {
    await t.throwsAsync(peers.client.getStream(peer, Echo), { code: 'ERR_PEER_ADDRESS' })
  }
  const { id52 } = peers.server
  for (const peer of [null, 5, { id52, addresses: 'x' }, { id52, relays: [5] }]) {
    await t.throwsAsync(peers.client.getStream(peer as never, Echo), { code: 'ERR_INVALID_ARGUMENT' })
  }
  await t.throwsAsync(peers.client.getStream({} as never, Echo), { code: 'ERR_PEER_ADDRESS' })
})

test('the error describes the fault of a ticket', async t => {
  await using peers = await pair()
  const ticket = await peers.server.ticket()
  const refused: [string, RegExp][] = [
    [ticket.toUpperCase(), /tickets are lower case/],
    [ticket.slice(0, 30).toUpperCase(), /tickets are lower case/],
    [ticket.slice(0, 30), /it has 30 characters, and the shortest ticket has 63/],
    [ticket.slice(0, -6), /it ends too early/],
    [`${ticket.slice(0, 40)} ${ticket.slice(40)}`, /character 41 of \d+ is white space/],
    [`${ticket.slice(0, 40)}1${ticket.slice(41)}`, /character 41 of \d+ is not one of a to z, 2 to 7/],
    ['x'.repeat(80), /a ticket starts with "endpoint"/]
  ]
  for (const [text, message] of refused) {
    await t.throwsAsync(peers.client.connect(text), { code: 'ERR_PEER_ADDRESS', message })
  }
})

test('a ticket without an address is a peer', async t => {
  await using peers = await pair()
  peers.server.listen([[Echo, echo]])
  t.is(await ask(peers.client, peers.server.address()), 'hello')
  // A version byte, the key and no address: 34 bytes in base32.
  const digits = (BigInt(`0x00${peers.server.publicKey.toHex()}00`) << 3n).toString(32).padStart(55, '0')
  const base32 = Array.from(digits, digit => 'abcdefghijklmnopqrstuvwxyz234567'[Number.parseInt(digit, 32)]).join('')
  t.is(await ask(peers.client, `endpoint${base32}`), 'hello')
})

test('rejects an invalid protocol', async t => {
  await using peers = await pair()
  const cyclic: Record<string, unknown> = {}
  cyclic.self = cyclic
  for (const protocol of [
    'Generic',
    null,
    5,
    {},
    { Generic: undefined },
    { Generic: cyclic },
    { Generic: 1, More: 2 }
  ]) {
    await t.throwsAsync(peers.client.getStream(peers.server.address(), protocol as never), {
      code: 'ERR_INVALID_ARGUMENT'
    })
  }
  t.throws(() => peers.server.acceptBi(['Http', 'Generic']), { code: 'ERR_INVALID_ARGUMENT' })
})

test('ping resolves with milliseconds', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi('Http')
  const ms = await peers.client.ping(peers.server.address())
  t.true(ms > 0 && ms < 5000)
  await serving.return()
})

test('an absent peer is ERR_UNREACHABLE within the timeout', async t => {
  await using peers = await pair()
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  await t.throwsAsync(peers.client.getStream(nobody, Echo, { timeout: 300 }), { code: 'ERR_UNREACHABLE' })
  await t.throwsAsync(peers.client.connect(nobody, { timeout: 300 }), { code: 'ERR_UNREACHABLE' })
})

test('a signal ends the wait for a peer with its reason', async t => {
  await using peers = await pair()
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  const controller = new AbortController()
  const { signal } = controller
  const waits = [
    peers.client.getStream(nobody, Echo, { signal }),
    peers.client.connect(nobody, { signal }),
    peers.client.ping(nobody, { signal })
  ].map(wait => wait.catch((error: unknown) => error))
  const reason = Symbol('reason')
  controller.abort(reason)
  t.deepEqual(await Promise.all(waits), [reason, reason, reason])
  t.is(await peers.client.getStream(nobody, Echo, { signal }).catch(error => error), reason)
})

test('errors name invalid options', async t => {
  const key = SecretKey.generate()
  for (const [options, field] of [
    [{ network: 'moon' }, /options\.network /],
    [{ network: { relays: [{}] } }, /options\.network\.relays\[0\]\.url/],
    [{ network: { bind: ['127.0.0.1:0', 5] } }, /options\.network\.bind\[1\]/],
    [{ network: { mdns: 'yes' } }, /options\.network\.mdns/],
    [{ connect: { attemptTimeout: -1 } }, /options\.connect\.attemptTimeout/],
    [{ connect: { retries: -1 } }, /options\.connect\.retries/],
    [{ connect: 5 }, /options\.connect /],
    [{ maxHeaderBytes: 1.5 }, /options\.maxHeaderBytes/],
    [{ kulfi: 1 }, /options\.kulfi/],
    [{ signal: {} }, /options\.signal/],
    [null, /options/]
  ] as const) {
    await t.throwsAsync(getEndpoint(key, options as never), { code: 'ERR_INVALID_ARGUMENT', message: field })
  }
  await t.throwsAsync(getEndpoint('secret' as never), { code: 'ERR_SECRET_KEY' })
})

test('several endpoints share a process', async t => {
  const all = await Promise.all([1, 2, 3, 4].map(() => getEndpoint(SecretKey.generate(), { network: 'loopback' })))
  for (const endpoint of all) endpoint.listen([[Echo, echo]])
  const asked = all.flatMap(from => all.filter(to => to !== from).map(to => ask(from, to.address())))
  t.deepEqual(new Set(await Promise.all(asked)), new Set(['hello']))
  await Promise.all(all.map(endpoint => endpoint.close()))
})

test('one connection carries a thousand concurrent streams', async t => {
  await using peers = await pair()
  peers.server.listen([[Echo, echo]])
  const address = peers.server.address()
  const answers = await Promise.all(Array.from({ length: 1000 }, () => ask(peers.client, address)))
  t.true(answers.every(answer => answer === 'hello'))
})

test('a peer object is read again after its address changes', async t => {
  await using peers = await pair()
  const { id52, addresses } = peers.server.address()
  const connect = { attemptTimeout: 1000, maxDelay: 200 }
  const client = await getEndpoint(SecretKey.generate(), { network: 'loopback', connect })
  const found = ['127.0.0.1:9']
  const peer = { id52, addresses: found }
  await t.throwsAsync(client.connect(peer, { timeout: 200 }), { code: 'ERR_UNREACHABLE' })
  // Referenced, because a garbage-collected loop no longer serves.
  await using _loop = peers.server.acceptBi(Echo)
  found.push(...addresses)
  t.is((await client.connect(peer)).remoteId52, id52)
  await client.close()
})
