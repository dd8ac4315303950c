import test from 'ava'
import { Graceful, getEndpoint, SecretKey } from 'fastn-net'
import { Echo, pair } from '../helpers/pair.js'

test('shutdown tells everyone, waits for what was spawned, then closes the endpoints', async t => {
  const graceful = new Graceful()
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const order: string[] = []
  const listening = endpoint.listen([[Echo, () => {}]], { signal: graceful.cancelled })
  graceful.spawn(async cancelled => {
    await new Promise(resolve => cancelled.addEventListener('abort', resolve))
    order.push('told')
    t.truthy(endpoint.address())
    graceful.spawn(Promise.resolve().then(() => order.push('late')))
  })
  t.deepEqual(await graceful.shutdown(), { unfinished: 0, unacknowledged: 0 })
  await listening
  t.deepEqual(order, ['told', 'late'])
  t.throws(() => endpoint.acceptBi(Echo), { code: 'ERR_CLOSED' })
  t.is(graceful.shutdown(), graceful.shutdown())
})

test('work that does not end is reported, and holds up nothing for ever', async t => {
  const graceful = new Graceful()
  graceful.spawn(new Promise(() => {}))
  t.is((await graceful.shutdown({ timeout: 50 })).unfinished, 1)
})

test('work that fails is its caller’s affair, and ends nobody', async t => {
  const graceful = new Graceful()
  const failure = new Error('work')
  t.is(await graceful.spawn(Promise.reject(failure)).catch(error => error), failure)
  graceful.spawn(() => Promise.reject(new Error('nobody waits')))
  t.is((await graceful.shutdown()).unfinished, 0)
})

test('an endpoint that was closed before is left alone', async t => {
  const graceful = new Graceful()
  await using peers = await pair({ graceful })
  await peers.client.close()
  t.is((await graceful.shutdown()).unacknowledged, 0)
})

test('signals are listened for until the shutdown begins', async t => {
  const before = process.listenerCount('SIGUSR2')
  const graceful = new Graceful({ signals: ['SIGUSR2'] })
  t.is(process.listenerCount('SIGUSR2'), before + 1)
  const cancelled = new Promise(resolve => graceful.cancelled.addEventListener('abort', resolve))
  process.kill(process.pid, 'SIGUSR2')
  await cancelled
  await graceful.shutdown()
  t.is(process.listenerCount('SIGUSR2'), before)
})

test('options are checked', t => {
  t.throws(() => new Graceful({ signals: 'SIGINT' as never }), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => new Graceful().shutdown({ timeout: -1 }), { code: 'ERR_INVALID_ARGUMENT' })
})
