import test from 'ava'
import { type Endpoint, getEndpoint, type Peer, type PeerStream, Protocol, PublicKey, SecretKey } from 'fastn-net'
import { Echo, pair, readAll, turn } from '../helpers/pair.js'

const echo = async (stream: PeerStream) => {
  for await (const chunk of stream) await stream.write(chunk)
}

// The other handlers return without reading, which would stop this stream.
async function ask(client: Endpoint, peer: Peer, protocol: Protocol = Echo) {
  await using stream = await client.getStream(peer, protocol)
  await stream.finish(protocol === Echo ? 'hello' : '')
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

test('the error says what is wrong with a ticket', async t => {
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

test("listen runs each protocol's handler concurrently", async t => {
  await using peers = await pair()
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  peers.server.listen(
    {
      Http: async stream => {
        await released
        await stream.write('http')
      },
      Tcp: stream => stream.write('tcp')
    },
    { fallback: stream => stream.write(JSON.stringify(stream.protocol)) }
  )
  const address = peers.server.address()
  const slow = ask(peers.client, address, 'Http')
  t.is(await ask(peers.client, address, 'Tcp'), 'tcp')
  t.is(await ask(peers.client, address, Protocol.generic({ b: 1, a: [2] })), '{"Generic":{"a":[2],"b":1}}')
  release()
  t.is(await slow, 'http')
})

test('a handler that returns finishes its stream; one that throws resets it', async t => {
  await using peers = await pair()
  const failures: unknown[] = []
  const failure = new Error('from the handler')
  peers.server.listen(
    {
      Http: stream => stream.write('good'),
      Tcp: () => {
        throw failure
      }
    },
    { onError: (error, stream) => failures.push(error, stream.protocol) }
  )
  t.is(await ask(peers.client, peers.server.address(), 'Http'), 'good')
  const error = await t.throwsAsync(ask(peers.client, peers.server.id52, 'Tcp'), { code: 'ERR_STREAM_RESET' })
  t.is((error as { errorCode?: number }).errorCode, 0x102)
  t.regex(error.message, /the peer's handler failed \(0x102\)/)
  t.deepEqual(failures, [failure, 'Tcp'])
})

test('onError gets the error of a stream that cannot be finished after its handler, unless the peer stopped reading', async t => {
  await using peers = await pair()
  const failures: unknown[] = []
  let failed = () => {}
  const told = new Promise<void>(resolve => (failed = resolve))
  const returned: string[] = []
  peers.server.listen(
    {
      async Http(stream) {
        await t.throwsAsync(stream.closed, { code: 'ERR_STREAM_STOPPED' })
        returned.push('Http')
      },
      Tcp(stream) {
        // More than the peer takes unread: its end waits behind it.
        stream.write(new Uint8Array(16_000_000)).catch(() => {})
        returned.push('Tcp')
      }
    },
    {
      onError(error, stream) {
        failures.push((error as { code?: unknown }).code, stream.protocol)
        failed()
      }
    }
  )
  const stopping = await peers.client.getStream(peers.server.address(), 'Http')
  stopping.stop(7)
  while (!returned.includes('Http')) await turn()
  const leaving = await peers.client.getStream(peers.server.address(), 'Tcp')
  while (!returned.includes('Tcp')) await turn()
  leaving.connection.close(7)
  await told
  t.deepEqual(failures, ['ERR_CONNECTION_LOST', 'Tcp'])
})

test('a failing onError ends nothing', async t => {
  await using peers = await pair()
  const warning = new Promise<Error>(resolve => process.once('warning', resolve))
  peers.server.listen(
    {
      Tcp: () => Promise.reject(new Error('first')),
      Http: stream => stream.write('still there')
    },
    { onError: () => Promise.reject(new Error('second')) }
  )
  await t.throwsAsync(ask(peers.client, peers.server.address(), 'Tcp'), { code: 'ERR_STREAM_RESET' })
  t.is(await ask(peers.client, peers.server.id52, 'Http'), 'still there')
  t.regex((await warning).message, /second/)
})

test('listen ends with its signal, after running handlers', async t => {
  await using peers = await pair()
  const controller = new AbortController()
  let handled = false
  const listener = peers.server.listen(
    {
      Http: async stream => {
        await stream.read()
        await turn()
        await stream.write('done')
        handled = true
      }
    },
    { signal: controller.signal }
  )
  await using stream = await peers.client.getStream(peers.server.address(), 'Http')
  await stream.finish('go')
  await turn()
  controller.abort()
  await listener.closed
  t.true(handled)
  t.is((await readAll(stream)).toString(), 'done')
  await peers.server.listen({ Http: echo }, { signal: controller.signal }).closed
})

test('listen ends when the endpoint closes', async t => {
  await using peers = await pair()
  const listener = peers.server.listen({ Http: echo })
  await peers.server.close()
  await listener.closed
  await t.throwsAsync(peers.server.listen({ Http: echo }).ready, { code: 'ERR_CLOSED' })
})

test('a protocol has one listener at a time', async t => {
  await using peers = await pair()
  const first = peers.server.acceptBi(['Http', Protocol.generic({ a: 1, b: 2 })])
  t.throws(() => peers.server.acceptBi('Http'), { code: 'ERR_PROTOCOL_IN_USE' })
  await t.throwsAsync(peers.server.listen([[{ Generic: { b: 2, a: 1 } }, echo]]).ready, { code: 'ERR_PROTOCOL_IN_USE' })
  await first.return()
  const second = peers.server.acceptBi('Http')
  const [stream, { value }] = await Promise.all([peers.client.getStream(peers.server.address(), 'Http'), second.next()])
  t.deepEqual([stream.protocol, value?.protocol], ['Http', 'Http'])
  await second.return()
})

test('acceptBi yields streams until the loop is left, and then refuses them', async t => {
  await using peers = await pair()
  const opening = Promise.all([1, 2, 3].map(() => peers.client.getStream(peers.server.address(), Echo)))
  let count = 0
  for await (const stream of peers.server.acceptBi(Echo)) {
    await stream.finish(String(++count))
    if (count === 3) break
  }
  const answers = await Promise.all((await opening).map(readAll))
  t.deepEqual(answers.map(String).sort(), ['1', '2', '3'])
  await t.throwsAsync(peers.client.getStream(peers.server.id52, Echo), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('acceptBi ends with its signal and with the endpoint, without an error', async t => {
  await using peers = await pair()
  const controller = new AbortController()
  const byAbort = peers.server.acceptBi('Http', { signal: controller.signal })
  const [first, second] = [byAbort.next(), byAbort.next()]
  controller.abort()
  t.deepEqual(await Promise.all([first, second]), [
    { done: true, value: undefined },
    { done: true, value: undefined }
  ])
  t.true((await peers.server.acceptBi('Http', { signal: controller.signal }).next()).done)
  const byClose = peers.server.acceptBi('Http')
  const next = byClose.next()
  await peers.server.close()
  t.true((await next).done)
})

test('refuses a protocol without a listener, with ack now and later', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi('Http')
  const expected = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Tcp'), expected)
  const stream = await peers.client.getStream(peers.server.id52, 'Tcp', { ack: 'later' })
  await t.throwsAsync(stream.read(), expected)
  await t.throwsAsync(stream.write('x'), expected)
  await t.throwsAsync(stream.finish(), expected)
  await t.throwsAsync(stream.closed, expected)
  await serving.return()
})

test('with ack later, a refusal rejects pending calls on both halves', async t => {
  await using peers = await pair()
  const serving = peers.server.acceptBi('Http')
  await peers.client.connect(peers.server.address())
  const stream = await peers.client.getStream(peers.server.id52, 'Tcp', { ack: 'later' })
  const expected = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
  await Promise.all([
    t.throwsAsync(stream.read(), expected),
    t.throwsAsync(stream.write(new Uint8Array(32_000_000)), expected),
    t.throwsAsync(stream.closed, expected)
  ])
  await serving.return()
})

test('connect and accept return connections that carry streams both ways', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const serving = peers.server.acceptBi(Echo)
  const [mine, taken] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  const theirs = taken.value
  t.is(mine.remoteId52, peers.server.id52)
  t.is(theirs?.remoteId52, peers.client.id52)
  t.true(mine.dialled)
  t.false(theirs?.dialled)
  t.is(mine.alpn, '/fastn-net/1')
  t.true((mine.rtt ?? 0) > 0)
  t.true(mine.paths.some(path => path.selected && !path.relay))
  t.true(mine.stats().bytesSent > 0)

  const [out, { value: there }] = await Promise.all([mine.openBi(Echo), serving.next()])
  await out.finish('there')
  t.is((await readAll(there as PeerStream)).toString(), 'there')

  const back = mine.acceptBi(Echo)
  const [answer, { value: here }] = await Promise.all([theirs?.openBi(Echo), back.next()])
  await answer?.finish('back')
  t.is((await readAll(here as PeerStream)).toString(), 'back')
  await incoming.return()
})

test("a stream that arrives before its connection's acceptBi waits for it", async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const mine = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
  await mine.finish('early\n')
  // A ping's answer proves that everything before it has arrived.
  await peers.client.ping(peers.server.id52)
  const { value: connection } = await incoming.next()
  await peers.client.ping(peers.server.id52)
  const { value: theirs } = (await connection?.acceptBi(Echo).next()) ?? {}
  t.is(await theirs?.nextString(), 'early')
  await theirs?.finish('answer\n')
  t.is(await mine.nextString(), 'answer')
})

test('closing a connection tells both sides how it ended', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const [mine, { value: theirs }] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  mine.close(7, 'enough')
  t.like(await mine.closed, { code: 7, by: 'local' })
  t.deepEqual(await theirs?.closed, { code: 7, reason: 'enough', by: 'peer' })
  t.throws(() => mine.close(0x101), { code: 'ERR_INVALID_ARGUMENT' })
})

test('a close reason longer than a packet is truncated, whatever the code', async t => {
  await using peers = await pair()
  const incoming = peers.server.accept()
  const [mine, { value: theirs }] = await Promise.all([peers.client.connect(peers.server.address()), incoming.next()])
  mine.close(2 ** 53 - 1, '€'.repeat(1000))
  const reason = '€'.repeat(85)
  t.deepEqual(await theirs?.closed, { code: 2 ** 53 - 1, reason, by: 'peer' })
  t.deepEqual(await mine.closed, { code: 2 ** 53 - 1, reason, by: 'local' })
})

test('a lost connection ends both halves of its streams', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = theirs.read()
  mine.connection.close(1)
  await t.throwsAsync(reading, { code: 'ERR_CONNECTION_LOST' })
  await t.throwsAsync(theirs.write('x'), { code: 'ERR_CONNECTION_LOST' })
  await t.throwsAsync(theirs.closed, { code: 'ERR_CONNECTION_LOST' })
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

test('invalid options are rejected by name', async t => {
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
