// The option `graceful` of an endpoint: true, options, or a Graceful.
import { EventEmitter, once } from 'node:events'
import test from 'ava'
import { createEndpoint, Graceful, type ShutdownReport } from 'fastn-net'
import { keepAlive } from '../helpers/pair.js'

const network = 'loopback'
const handlers = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM')

test.serial('true and options handle SIGINT and SIGTERM until the endpoint is closed', async t => {
  const before = handlers()
  for (const graceful of [true, {}, { timeout: 60_000 }, { exit: true }] as const) {
    const endpoint = await createEndpoint({ network, graceful })
    t.is(handlers() - before, 2)
    await endpoint.close()
    t.is(handlers(), before, JSON.stringify(graceful))
  }
})

test.serial('options may name the signals, or none', async t => {
  const before = handlers()
  await using _none = await createEndpoint({ network, graceful: { signals: false } })
  await using _off = await createEndpoint({ network, graceful: false })
  t.is(handlers(), before)
  await using _one = await createEndpoint({ network, graceful: { signals: ['SIGTERM'] } })
  t.is(handlers(), before + 1)
})

test.serial('a signal lets a handler finish, and closes the endpoint', async t => {
  using _alive = keepAlive()
  const events = new EventEmitter()
  const graceful = {
    signals: ['SIGUSR2'] as const,
    onReport: (report: ShutdownReport) => events.emit('report', report)
  }
  const server = await createEndpoint({ network, graceful })
  await using client = await createEndpoint({ network })
  server.serve('work', async () => {
    events.emit('started')
    await once(events, 'finish')
    return 'done'
  })
  const answer = client.call(server.address(), 'work')
  await once(events, 'started')
  const reported = once(events, 'report')
  process.emit('SIGUSR2')
  await t.throwsAsync(client.call(server.address(), 'work'), { code: 'ERR_SHUTTING_DOWN' })
  events.emit('finish')
  t.is(await answer, 'done')
  t.like(await reported, [{ clean: true }])
  t.throws(() => server.address(), { code: 'ERR_CLOSED' })
})

test.serial('the warning of a handler that is cut off names its protocol and the option to raise', async t => {
  using _alive = keepAlive()
  const events = new EventEmitter()
  const server = await createEndpoint({ network, graceful: { signals: ['SIGUSR2'], timeout: 100 } })
  await using client = await createEndpoint({ network })
  server.serve('work', async () => {
    events.emit('started')
    await once(events, 'finish')
  })
  const answer = client.call(server.address(), 'work')
  await once(events, 'started')
  const warned = once(process, 'warning') as Promise<[Error]>
  process.emit('SIGUSR2')
  await t.throwsAsync(answer, { code: 'ERR_CONNECTION_LOST' })
  const [{ message }] = await warned
  t.regex(
    message,
    /unfinished: handlers of 'work'; .*\. End work when graceful\.cancelled aborts, or raise graceful\.timeout /
  )
  events.emit('finish')
})

test.serial('an endpoint that cannot be created handles no signal', async t => {
  const before = handlers()
  const fails = { code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(createEndpoint({ network, graceful: true, maxStreams: 0 }), fails)
  const signal = AbortSignal.abort(new Error('no endpoint'))
  await t.throwsAsync(createEndpoint({ network, graceful: true, signal }), { message: 'no endpoint' })
  await t.throwsAsync(createEndpoint({ network: { bind: ['192.0.2.1:1'] }, graceful: true }), { code: 'ERR_BIND' })
  t.is(handlers(), before)
})

test('wrong values are errors that name the option', async t => {
  for (const [graceful, message] of [
    ['SIGINT', /^options\.graceful must be true, a plain object of options, or a Graceful, not a string$/],
    [{ timeouts: 1 }, /'timeouts'.*'timeout'/],
    [{ timeout: -1 }, /^options\.graceful\.timeout must be/],
    [{ signals: ['SIGKILL'] }, /^options\.graceful\.signals\[0\] must be/],
    [{ signals: false, exit: true }, /^options\.graceful\.exit must be given with signals$/],
    [{ onReport: 1 }, /^options\.graceful\.onReport must be a function$/]
  ] as const)
    await t.throwsAsync(createEndpoint({ network, graceful: graceful as never }), {
      code: 'ERR_INVALID_ARGUMENT',
      message
    })
  const graceful = new Graceful()
  await graceful.shutdown()
  await t.throwsAsync(createEndpoint({ network, graceful }), { code: 'ERR_SHUTTING_DOWN' })
})
