// Timeouts: every number has its documented effect.
import test from 'ava'
import { type Endpoint, Graceful, getEndpoint, SecretKey } from 'fastn-net'
import { Echo, pair } from '../helpers/pair.js'

const invalid = { code: 'ERR_INVALID_ARGUMENT' }
const nobody = () => ({ id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] })

test('timeouts may have a fraction', async t => {
  await using peers = await pair({ openTimeout: 29_999.5, ackTimeout: 9_999.25, closeTimeout: 0.001 })
  const deadline = performance.now() + 10_000
  const left = () => deadline - performance.now()
  const address = peers.server.address()
  await peers.stream()
  await peers.client.connect(address, { timeout: left() })
  await using stream = await peers.client.getStream(address, Echo, { timeout: left() })
  t.is(stream.remoteId52, peers.server.id52)
  await peers.client.ticket({ timeout: 0.5 })
  await peers.client.close({ timeout: 100.5 })
  t.true((await new Graceful().shutdown({ timeout: 20.5 })).clean)
})

test('a timeout of 0 fires immediately', async t => {
  await using peers = await pair()
  await peers.stream()
  const began = performance.now()
  await t.throwsAsync(peers.client.connect(nobody(), { timeout: 0 }), { code: 'ERR_UNREACHABLE' })
  await t.throwsAsync(peers.client.getStream(nobody(), Echo, { timeout: 0 }), { code: 'ERR_UNREACHABLE' })
  // Calls that need no waiting still succeed.
  await using stream = await peers.client.getStream(peers.server.address(), Echo, { ack: 'later', timeout: 0 })
  t.is(stream.remoteId52, peers.server.id52)
  await peers.client.ticket({ timeout: 0 })
  await peers.client.close({ timeout: 0 })
  await new Graceful().shutdown({ timeout: 0 })
  t.true(performance.now() - began < 5_000)
})

test('a timeout of 0 succeeds only if the call needs no wait', async t => {
  await using peers = await pair()
  const { client, server } = peers
  let handled = 0
  server.listen({ Http: () => void handled++ })
  const address = server.address()
  const dialling: ((dialler: Endpoint) => Promise<unknown>)[] = [
    dialler => dialler.getStream(address, 'Http', { timeout: 0 }),
    dialler => dialler.getStream(address, 'Http', { timeout: 0, ack: 'later' }),
    dialler => dialler.connect(address, { timeout: 0 }),
    dialler => dialler.getStream(address, 'Http'),
    dialler => dialler.connect(address),
    dialler => dialler.ping(address)
  ]
  for (const call of dialling) {
    await using dialler = await getEndpoint(SecretKey.generate(), { network: 'loopback', openTimeout: 0 })
    await t.throwsAsync(call(dialler), { code: 'ERR_UNREACHABLE' }, String(call))
  }
  const late = { code: 'ERR_ACK_TIMEOUT', message: /within 0 ms/ }
  const connection = await client.connect(address)
  // On a fast machine, the ack would arrive before a timer fires.
  for (let at = 0; at < 50; at++) {
    await t.throwsAsync(client.getStream(address, 'Http', { timeout: 0 }), late)
    await t.throwsAsync(connection.openBi('Http', { timeout: 0 }), late)
    t.is((await client.connect(address, { timeout: 0 })).remoteId52, server.id52)
  }
  await client.ping(address)
  t.is(handled, 0)
  await using hasty = await getEndpoint(SecretKey.generate(), { network: 'loopback', pingTimeout: 0 })
  await hasty.connect(address)
  for (let at = 0; at < 20; at++) await t.throwsAsync(hasty.ping(address), { code: 'ERR_PING' })
})

test('an idleTimeout of 0 closes each unused connection, and the next call dials again', async t => {
  await using peers = await pair({ idleTimeout: 0 })
  peers.server.listen([[Echo, async stream => stream.finish(`${await stream.nextString()}\n`)]])
  for (let at = 0; at < 10; at++) {
    await using stream = await peers.client.getStream(peers.server.address(), Echo)
    await stream.finish(`${at}\n`)
    t.is(await stream.nextString(), String(at))
  }
})

test('a timeout of Infinity never fires', async t => {
  const none = Number.POSITIVE_INFINITY
  let answer = (_: boolean) => {}
  const asked = new Promise<void>(resolve => {
    answer = () => resolve()
  })
  await using peers = await pair({
    openTimeout: none,
    ackTimeout: none,
    pingTimeout: none,
    headerTimeout: none,
    closeTimeout: none,
    idleTimeout: none,
    connect: { attemptTimeout: none, maxDelay: none },
    authorize: { timeout: none, stream: () => asked.then(() => true) }
  })
  peers.server.listen([[Echo, stream => stream.finish('served\n')]])
  const address = peers.server.address()
  let early: unknown
  const opening = peers.client.getStream(address, Echo, { timeout: none })
  opening.catch(error => {
    early = error
  })
  await using later = await peers.client.getStream(address, Echo, { ack: 'later', timeout: none })
  // On a live connection, another code path waits for the ack.
  const again = peers.client.getStream(address, Echo, { timeout: none })
  again.catch(error => {
    early = error
  })
  await new Promise(resolve => setTimeout(resolve, 300))
  t.is(early, undefined)
  answer(true)
  for (const stream of [await opening, later, await again]) t.is(await stream.nextString(), 'served')
  t.is(typeof (await peers.client.ping(address)), 'number')
  const controller = new AbortController()
  const never = peers.client.connect(nobody(), { timeout: none, signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 50)
  await t.throwsAsync(never, { message: 'enough' })
  await peers.client.close({ timeout: none })
})

test('errors name invalid timeouts', async t => {
  await using peers = await pair()
  const key = SecretKey.generate()
  for (const wrong of [Number.NaN, -1, -0.5, Number.NEGATIVE_INFINITY, '5', 5n, {}, true] as never[]) {
    const timeout = { timeout: wrong }
    for (const call of [
      () => peers.client.connect(peers.server.id52, timeout),
      () => peers.client.getStream(peers.server.id52, Echo, timeout),
      () => peers.client.ticket(timeout),
      () => peers.client.close(timeout),
      () => new Graceful().shutdown(timeout),
      () => getEndpoint(key, { network: 'loopback', authorize: timeout })
    ])
      await t.throwsAsync(async () => call(), { ...invalid, message: /timeout/ }, `${String(wrong)} ${call}`)
    for (const name of ['openTimeout', 'ackTimeout', 'pingTimeout', 'headerTimeout', 'closeTimeout', 'idleTimeout'])
      await t.throwsAsync(getEndpoint(key, { network: 'loopback', [name]: wrong }), { message: new RegExp(name) })
  }
  // A delay of 0 would be a busy loop of dials.
  for (const connect of [{ minDelay: 0 }, { maxDelay: 0 }])
    await t.throwsAsync(getEndpoint(key, { network: 'loopback', connect }), invalid)
})
