// Graceful: its order, its report and its options.
import test from 'ava'
import { Graceful, getEndpoint, type PeerStream, SecretKey } from 'fastn-net'
import { Echo, keepAlive, pair, readAll } from '../helpers/pair.js'
import { clean } from '../helpers/report.js'

test('shutdown aborts cancelled, waits for spawned work, then closes the endpoints', async t => {
  const graceful = new Graceful()
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const order: string[] = []
  const listener = endpoint.listen([[Echo, () => {}]], { signal: graceful.cancelled })
  void graceful.spawn(async cancelled => {
    await new Promise(resolve => cancelled.addEventListener('abort', resolve))
    order.push('told')
    t.truthy(endpoint.address())
    void graceful.spawn(Promise.resolve().then(() => order.push('late')))
  })
  t.deepEqual(await graceful.shutdown(), clean)
  await listener.closed
  t.deepEqual(order, ['told', 'late'])
  t.throws(() => endpoint.acceptBi(Echo), { code: 'ERR_CLOSED' })
  t.is(graceful.shutdown(), graceful.shutdown())
})

test('an abort listener that calls shutdown gets the same promise', async t => {
  const graceful = new Graceful()
  let again: Promise<unknown> | undefined
  graceful.cancelled.addEventListener('abort', () => {
    again = graceful.shutdown()
  })
  const first = graceful.shutdown()
  t.is(again, first)
  t.deepEqual(await first, clean)
})

test('unfinished work is reported by name, and delays the shutdown up to its timeout', async t => {
  const graceful = new Graceful()
  const never = () => new Promise(() => {})
  void graceful.spawn(never())
  void graceful.spawn(never)
  void graceful.spawn(never)
  void graceful.spawn(never, { name: 'the mail' })
  const { clean, unfinished, work } = await graceful.shutdown({ timeout: 50 })
  t.deepEqual([clean, unfinished], [false, 4])
  t.deepEqual(work, [
    { name: 'unnamed', count: 1 },
    { name: 'never', count: 2 },
    { name: 'the mail', count: 1 }
  ])
  await t.throwsAsync(
    graceful.spawn(() => t.fail('called')),
    { code: 'ERR_SHUTTING_DOWN' }
  )
})

test('failed work ends nothing else, and is in the report', async t => {
  const graceful = new Graceful()
  const failure = new Error('work')
  t.is(await graceful.spawn(Promise.reject(failure), { name: 'the mail' }).catch(error => error), failure)
  const second = new Error('no call waits')
  void graceful.spawn(function job() {
    throw second
  })
  void graceful.spawn(
    cancelled => new Promise((_, reject) => cancelled.addEventListener('abort', () => reject(cancelled.reason)))
  )
  const report = await graceful.shutdown()
  t.deepEqual(report.failures, [
    { name: 'the mail', error: failure },
    { name: 'job', error: second }
  ])
  t.true(report.clean)
})

test('onReport gets the report, and its failure ends nothing', async t => {
  const reports: unknown[] = []
  const graceful = new Graceful({
    signals: ['SIGHUP'],
    onReport: report => {
      reports.push(report)
      throw new Error('as planned')
    }
  })
  const cancelled = new Promise(resolve => graceful.cancelled.addEventListener('abort', resolve))
  process.kill(process.pid, 'SIGHUP')
  await cancelled
  t.is(reports.length, 0)
  const report = await graceful.shutdown()
  t.deepEqual(reports, [report])
})

test('shutdown uses the timeout of the constructor by default', async t => {
  const graceful = new Graceful({ timeout: 50 })
  void graceful.spawn(() => new Promise(() => {}))
  const began = performance.now()
  t.is((await graceful.shutdown()).unfinished, 1)
  t.true(performance.now() - began < 4000)
})

test('shutdown waits for a close in progress, and finished streams are delivered', async t => {
  const graceful = new Graceful()
  await using clients = await pair()
  const { server } = clients
  const mine = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const streams = server.acceptBi(Echo)
  const stream = await mine.getStream(server.address(), Echo)
  const { value: theirs } = await streams.next()
  // More than the peer's receive window: not delivered before it reads.
  const bytes = new Uint8Array(1024 * 1024)
  await stream.finish(bytes)
  let closed = false
  const closing = mine.close({ timeout: 30_000 }).finally(() => {
    closed = true
  })
  const ending = graceful.shutdown({ timeout: 30_000 }).then(report => [report, closed])
  const received = await readAll(theirs!)
  t.is(received.length, bytes.length)
  t.deepEqual(await ending, [clean, true])
  t.is(await closing, 0)
})

for (const first of ['shutdown', 'close'] as const) {
  test(`the report counts what a concurrent close cuts off: ${first} comes first`, async t => {
    const graceful = new Graceful()
    await using clients = await pair()
    const server = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
    const cut: unknown[] = []
    let enter = () => {}
    const entered = new Promise<void>(resolve => (enter = resolve))
    const waits = async (stream: PeerStream) => {
      enter()
      await stream.read().catch(error => cut.push(error.code))
    }
    const listener = server.listen([[Echo, waits]], { signal: graceful.cancelled })
    await clients.client.getStream(server.address(), Echo)
    await entered
    const calls = { shutdown: () => graceful.shutdown({ timeout: 60_000 }), close: () => server.close() }
    const began = performance.now()
    const results = first === 'shutdown' ? [calls.shutdown(), calls.close()] : [calls.close(), calls.shutdown()]
    await Promise.all(results)
    t.true(performance.now() - began < 30_000)
    t.deepEqual(await graceful.shutdown(), {
      ...clean,
      clean: false,
      unfinished: 1,
      work: [{ name: 'listen', count: 1 }],
      openStreams: 1,
      streams: [{ protocol: Echo, count: 1 }]
    })
    t.deepEqual(cut, ['ERR_CLOSED'])
    await listener.closed
  })
}

test('endpoints close concurrently, with and without the signal', async t => {
  const graceful = new Graceful()
  const endpoints = await Promise.all(
    Array.from({ length: 8 }, () => getEndpoint(SecretKey.generate(), { network: 'loopback', graceful }))
  )
  const closed = endpoints.map(endpoint => endpoint.listen([[Echo, () => {}]]).closed)
  t.deepEqual(await graceful.shutdown(), clean)
  await Promise.all(closed)
  for (const endpoint of endpoints) t.throws(() => endpoint.acceptBi(Echo), { code: 'ERR_CLOSED' })
})

test('shutdown ignores an endpoint that is already closed', async t => {
  const graceful = new Graceful()
  await using peers = await pair({ graceful })
  await peers.client.close()
  t.deepEqual(await graceful.shutdown(), clean)
})

test('getEndpoint fails during and after the shutdown', async t => {
  const graceful = new Graceful()
  const options = { network: 'loopback', graceful } as const
  const meanwhile = getEndpoint(SecretKey.generate(), options)
  const refused = t.throwsAsync(meanwhile, { code: 'ERR_SHUTTING_DOWN' })
  t.deepEqual(await graceful.shutdown(), clean)
  await refused
  await t.throwsAsync(getEndpoint(SecretKey.generate(), options), { code: 'ERR_SHUTTING_DOWN' })
})

test('each Graceful ends only its own endpoints and work', async t => {
  const [one, other] = [new Graceful(), new Graceful()]
  await using clients = await pair({ graceful: other })
  const { client, server } = clients
  const ended = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful: one })
  t.deepEqual(await one.shutdown(), clean)
  t.throws(() => ended.acceptBi(Echo), { code: 'ERR_CLOSED' })
  t.false(other.cancelled.aborted)
  const listener = server.listen([[Echo, stream => stream.finish('here\n')]])
  const stream = await client.getStream(server.address(), Echo)
  t.is(await stream.nextString(), 'here')
  await stream.finish()
  t.deepEqual(await other.shutdown(), clean)
  await listener.closed
})

test('signals are handled until the shutdown begins, and only if the option is set', async t => {
  using _alive = keepAlive()
  const count = () => ['SIGUSR2', 'SIGINT', 'SIGTERM'].map(signal => process.listenerCount(signal))
  const before = count()
  const quiet = new Graceful()
  t.deepEqual(count(), before)
  const all = [new Graceful({ signals: ['SIGUSR2'] }), new Graceful({ signals: ['SIGUSR2'] })]
  t.is(count()[0], before[0]! + 2)
  const cancelled = all.map(graceful => new Promise(resolve => graceful.cancelled.addEventListener('abort', resolve)))
  process.kill(process.pid, 'SIGUSR2')
  await Promise.all(cancelled)
  t.deepEqual(count(), before)
  await Promise.all(all.map(graceful => graceful.shutdown()))
  t.false(quiet.cancelled.aborted)
})

test('rejects invalid options', t => {
  const expected = { code: 'ERR_INVALID_ARGUMENT' }
  t.throws(() => new Graceful({ signals: 'SIGINT' as never }), expected)
  const listeners = process.eventNames().length
  for (const signal of ['SIGKILL', 'SIGNAL', 'exit', 5]) {
    const message = /options\.signals\[1\]/
    t.throws(() => new Graceful({ signals: ['SIGTERM', signal as never] }), { ...expected, message })
  }
  t.is(process.eventNames().length, listeners)
  t.throws(() => new Graceful().shutdown({ timeout: -1 }), expected)
  t.throws(() => new Graceful({ timeout: -1 }), expected)
  t.throws(() => new Graceful({ onReport: 'print' as never }), expected)
  t.throws(() => new Graceful().spawn(Promise.resolve(), { name: 1 as never }), expected)
  return Promise.all([
    t.throwsAsync(getEndpoint(SecretKey.generate(), { closeOnExit: 'yes' as never }), expected),
    t.throwsAsync(getEndpoint(SecretKey.generate(), { graceful: 'yes' as never }), expected)
  ])
})

test('spawn takes a promise or a function that runs', async t => {
  const graceful = new Graceful()
  const never: unknown[] = []
  async function* work() {
    never.push(yield)
  }
  const expected = { code: 'ERR_INVALID_ARGUMENT', message: /^work must be a (promise|function)/ }
  for (const wrong of [5, undefined, null, 'work', {}, [Promise.resolve()], work(), work])
    t.throws(() => graceful.spawn(wrong as never), expected, String(wrong))
  const message = /returned an iterator, which nothing iterates/
  await t.throwsAsync(
    graceful.spawn(() => work(), { name: 'generates' }),
    { code: 'ERR_INVALID_ARGUMENT', message }
  )
  const { failures, clean } = await graceful.shutdown()
  t.deepEqual([failures.map(({ name }) => name), clean, never], [['generates'], true, []])
})
