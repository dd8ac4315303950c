// Effects of signals, timeouts and early returns, and the release of resources.
import { getEventListeners } from 'node:events'
import test from 'ava'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { Echo, type Pair, pair, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

async function kept(endpoint: Endpoint, wanted: boolean): Promise<void> {
  for await (const peer of endpoint.watch()) if (peer.kept === wanted) return
}

test('a signal ends keep', async t => {
  await using peers = await pair()
  const controller = new AbortController()
  const keep = peers.client.keep(peers.server.address(), { signal: controller.signal })
  await prompt(kept(peers.client, true), 'keeping')
  controller.abort()
  await prompt(kept(peers.client, false), 'no longer keeping')
  keep[Symbol.dispose]()
  t.is(peers.client.peers()[0]?.kept, false)
})

test('a signal ends the wait for close with its reason, and the endpoint closes', async t => {
  await using peers = await pair()
  const [, theirs] = await peers.stream()
  const { closed } = theirs.connection
  const controller = new AbortController()
  const reason = new Error('enough')
  const closing = peers.client.close({ signal: controller.signal })
  controller.abort(reason)
  t.is(await closing.catch(error => error), reason)
  t.like(await prompt(closed, 'closing'), { code: 0x103, by: 'peer' })
})

test('after its signal, listen waits for handlers up to closeTimeout', async t => {
  await using peers = await pair({ closeTimeout: 100 })
  const controller = new AbortController()
  let entered = () => {}
  const running = new Promise<void>(resolve => {
    entered = resolve
  })
  const never = () => {
    entered()
    return new Promise(() => {})
  }
  const listener = peers.server.listen([[Echo, never]], { signal: controller.signal })
  const stream = await peers.client.getStream(peers.server.address(), Echo)
  await running
  controller.abort()
  t.is(await prompt(listener.closed, 'listen'), undefined)
  t.is(stream.remoteId52, peers.server.id52)
})

test('closing a loop refuses its queued streams', async t => {
  await using peers = await pair()
  const incoming = peers.server.acceptBi(Echo)
  const asking = await Promise.all(
    Array.from({ length: 8 }, () => peers.client.getStream(peers.server.address(), Echo, { ack: 'later' }))
  )
  const answers = asking.map(async stream => {
    await stream.finish('question')
    return await stream.read().then(String, error => error.code)
  })
  // All are queued when the first is taken, so they cross into JavaScript together.
  await new Promise(resolve => setTimeout(resolve, 200))
  const { value: first } = await incoming.next()
  await incoming.return()
  await first?.finish('answer')
  const all = await prompt(Promise.all(answers), 'refusing what waits')
  t.is(all.filter(answer => answer === '97,110,115,119,101,114').length, 1)
  t.is(all.filter(answer => String(answer).startsWith('ERR_')).length, 7, all.join())
  t.false(all.includes('ERR_CONNECTION_LOST'))
})

test('an ended loop leaves no listener on its signal', async t => {
  await using peers = await pair()
  const { signal } = new AbortController()
  const loops = [
    peers.server.acceptBi(Echo, { signal }),
    peers.server.accept({ signal }),
    peers.server.watch({ signal })
  ]
  t.is(listeners(signal), loops.length)
  for (const loop of loops) await loop.return()
  t.is(listeners(signal), 0)
  const keep = peers.client.keep(peers.server.address(), { signal })
  t.is(listeners(signal), 1)
  keep[Symbol.dispose]()
  t.is(listeners(signal), 0)
})

test('a settled call leaves no listener on its signal', async t => {
  await using peers = await pair()
  const { signal } = new AbortController()
  const [mine, theirs] = await peers.stream()
  const reading = theirs.read({ signal })
  await turn()
  t.is(listeners(signal), 1)
  await mine.write('x', { signal })
  await reading
  await peers.client.ping(peers.server.address(), { signal })
  await mine.finish(undefined, { signal })
  await peers.client.close({ signal })
  t.is(listeners(signal), 0)
})

test('ticket waits for a relay up to its timeout or signal', async t => {
  // Port 9 discards packets: there is no relay.
  const network = { relays: ['http://127.0.0.1:9'], bind: ['127.0.0.1:0'] }
  await using endpoint = await getEndpoint(SecretKey.generate(), { network })
  t.is(typeof (await prompt(endpoint.ticket({ timeout: 50 }), 'ticket')), 'string')
  const controller = new AbortController()
  const reason = new Error('enough')
  const waiting = endpoint.ticket({ timeout: 60_000, signal: controller.signal }).catch(error => error)
  await turn()
  controller.abort(reason)
  t.is(await prompt(waiting, 'ticket'), reason)
})

/** Every call of an endpoint or stream that takes a signal. */
async function calls(peers: Pair, signal: AbortSignal): Promise<Record<string, () => Promise<unknown>>> {
  const [mine] = await peers.stream()
  const { client } = peers
  const address = peers.server.address()
  return {
    getEndpoint: () => getEndpoint(SecretKey.generate(), { network: 'loopback', signal }),
    ticket: () => client.ticket({ signal }),
    getStream: () => client.getStream(address, Echo, { signal }),
    connect: () => client.connect(address, { signal }),
    ping: () => client.ping(address, { signal }),
    keep: async () => client.keep(address, { signal }),
    openBi: () => mine.connection.openBi(Echo, { signal }),
    read: () => mine.read({ signal }),
    readInto: () => mine.read({ into: new Uint8Array(1), signal }),
    nextString: () => mine.nextString({ signal }),
    lines: () => mine.lines({ signal }).next(),
    write: () => mine.write('x', { signal }),
    finish: () => mine.finish('x', { signal }),
    close: () => client.close({ signal })
  }
}

test('every call rejects at once if its signal is already aborted', async t => {
  await using peers = await pair()
  const reason = new Error('before')
  const all = await calls(peers, AbortSignal.abort(reason))
  for (const [name, call] of Object.entries(all)) t.is(await call().catch(error => error), reason, name)
  // Nothing was closed: the endpoint still works.
  t.true((await peers.client.ping(peers.server.address())) > 0)
})

test('every call names an invalid signal', async t => {
  await using peers = await pair()
  const all = await calls(peers, {} as AbortSignal)
  for (const [name, call] of Object.entries(all))
    await t.throwsAsync(call(), { code: 'ERR_INVALID_ARGUMENT', message: /options\.signal/ }, name)
  t.true((await peers.client.ping(peers.server.address())) > 0)
})

test('disposing a loop ends it and frees its protocol', async t => {
  await using peers = await pair()
  const loops = [() => peers.server.acceptBi(Echo), () => peers.server.accept(), () => peers.server.watch()]
  for (const loop of loops) {
    const waiting = loop()
    await waiting[Symbol.asyncDispose]()
    const again = loop()
    await again.return()
    // It may yield a peer before it ends, but nothing afterwards.
    t.true((await waiting.next()).done)
  }
})
