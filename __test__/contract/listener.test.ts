// The result of listen: when protocols are served, and how listening ends.
import test from 'ava'
import { Listener, type PeerStream } from 'fastn-net'
import { pair, readAll } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

const inUse = { code: 'ERR_PROTOCOL_IN_USE' }
const unsupported = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
const greet = (stream: PeerStream) => stream.finish('hello\n')

/** A handler that runs until it is released. */
function held() {
  let release = () => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  let started = () => {}
  const isRunning = new Promise<void>(resolve => {
    started = resolve
  })
  const handler = async (stream: PeerStream) => {
    started()
    await released
    await stream.write('done')
  }
  return { handler, isRunning, release }
}

test('listen returns a listener that is ready once its protocols are served', async t => {
  await using peers = await pair()
  const listener = peers.server.listen({ Echo: greet, Http: greet })
  t.true(listener instanceof Listener)
  t.is((await prompt(listener.ready, 'ready')) as unknown, undefined)
  t.deepEqual(listener.protocols, ['Echo', 'Http'])
  await using stream = await peers.client.getStream(peers.server.address(), 'Echo')
  t.is(await stream.nextString(), 'hello')
})

test('an async function returns a listener without waiting for its end', async t => {
  await using peers = await pair()
  const start = async () => peers.server.listen({ Http: greet })
  const listener = await prompt(start(), 'a function that returns a listener')
  t.false('then' in listener)
})

test('a listener whose protocol is in use rejects ready and closed, and can still be closed', async t => {
  await using peers = await pair()
  await using first = peers.server.listen({ Http: greet })
  await first.ready
  const second = peers.server.listen({ Http: greet })
  await t.throwsAsync(second.ready, inUse)
  await t.throwsAsync(second.closed, inUse)
  await second.close()
  await second[Symbol.asyncDispose]()
  await using stream = await peers.client.getStream(peers.server.address(), 'Http')
  t.is(await stream.nextString(), 'hello')
})

test('a failure that the program cannot see is a process warning, not an unhandled rejection', async t => {
  await using peers = await pair()
  peers.server.listen({ Http: greet })
  const warned = new Promise<Error & { code: string; detail: string }>(resolve => process.once('warning', resolve))
  peers.server.serve('Http', () => 'hello')
  const { code, message, detail } = await prompt(warned, 'the warning')
  t.is(code, 'ERR_PROTOCOL_IN_USE')
  t.regex(message, /^serve failed: .*\. Close the first listener, or choose another name\. .*ready or closed/)
  t.regex(detail, /listener\.test/)
})

test('close refuses new streams, waits for running handlers, and frees the protocol', async t => {
  await using peers = await pair()
  const { handler, isRunning, release } = held()
  const listener = peers.server.listen({ Http: handler })
  const address = peers.server.address()
  await using running = await peers.client.getStream(address, 'Http')
  await isRunning
  let hasClosed = false
  const closing = listener.close().then(() => {
    hasClosed = true
  })
  await t.throwsAsync(peers.client.getStream(address, 'Http'), unsupported)
  t.false(hasClosed)
  await using next = peers.server.listen({ Http: greet })
  await next.ready
  release()
  await closing
  await listener.closed
  t.is((await readAll(running)).toString(), 'done')
  await using stream = await peers.client.getStream(address, 'Http')
  t.is(await stream.nextString(), 'hello')
})

test('close waits no longer than its timeout, and the handler continues', async t => {
  await using peers = await pair()
  const { handler, isRunning, release } = held()
  const listener = peers.server.listen({ Http: handler })
  await using stream = await peers.client.getStream(peers.server.address(), 'Http')
  await isRunning
  await prompt(listener.close({ timeout: 1 }), 'close')
  await prompt(listener.closed, 'closed')
  await prompt(listener.close(), 'a second close')
  release()
  t.is((await readAll(stream)).toString(), 'done')
})

test('a signal ends the wait of close only', async t => {
  await using peers = await pair()
  const { handler, isRunning, release } = held()
  const listener = peers.server.listen({ Http: handler })
  await using stream = await peers.client.getStream(peers.server.address(), 'Http')
  await isRunning
  const controller = new AbortController()
  const closing = listener.close({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.throwsAsync(closing, { message: 'enough' })
  release()
  await listener.closed
  t.is((await readAll(stream)).toString(), 'done')
})

test('disposing a listener ends listening', async t => {
  await using peers = await pair()
  // An endpoint that listens for nothing refuses the connection.
  await using _other = peers.server.listen({ Tcp: greet })
  {
    await using listener = peers.server.listen({ Http: greet })
    await listener.ready
  }
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Http'), unsupported)
})

test('a listener closes with its endpoint, and close during a drain is bounded by its timeout', async t => {
  await using peers = await pair()
  const { handler, isRunning } = held()
  const listener = peers.server.listen({ Http: handler })
  await using _stream = await peers.client.getStream(peers.server.address(), 'Http')
  await isRunning
  peers.server.drain()
  await prompt(listener.close({ timeout: 1 }), 'close')
  let hasClosed = false
  const closed = listener.closed.then(() => {
    hasClosed = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.false(hasClosed)
  await peers.server.close()
  await prompt(closed, 'closed')
})

test('disposing a listener stops it, and waits for running handlers', async t => {
  await using peers = await pair()
  let end = () => {}
  const ending = new Promise<void>(resolve => {
    end = resolve
  })
  let hasEnded = false
  const listener = peers.server.listen({
    Http: async () => {
      await ending
      hasEnded = true
    }
  })
  await using _running = await peers.client.getStream(peers.server.address(), 'Http')
  const disposed = listener[Symbol.asyncDispose]()
  await t.throwsAsync(peers.client.getStream(peers.server.address(), 'Http'), unsupported)
  t.false(hasEnded)
  end()
  await disposed
  t.true(hasEnded)
})
