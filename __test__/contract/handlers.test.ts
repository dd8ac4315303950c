// The handlers of listen.
import test from 'ava'
import { type Endpoint, type Peer, type PeerStream, Protocol } from 'fastn-net'
import { pair, readAll, turn } from '../helpers/pair.js'

const echo = async (stream: PeerStream) => {
  for await (const chunk of stream) await stream.write(chunk)
}

async function ask(client: Endpoint, peer: Peer, protocol: Protocol) {
  await using stream = await client.getStream(peer, protocol)
  await stream.finish()
  return (await readAll(stream)).toString()
}

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

test('a handler that throws an object that cannot be read fails like any other', async t => {
  await using peers = await pair()
  const trap = () => {
    throw new Error('a trap')
  }
  const { proxy: revoked, revoke } = Proxy.revocable({}, {})
  revoke()
  const named = (name: string) => Object.defineProperty(new Error(name), name, { get: trap })
  const thrown = [
    revoked,
    new Proxy({}, { getPrototypeOf: trap, has: trap }),
    ...['name', 'code', 'message'].map(named)
  ]
  const failures: unknown[] = []
  const handlers = thrown.map((value, at) => {
    const handler = () => {
      throw value
    }
    return [Protocol.generic(at), handler] as const
  })
  peers.server.listen(handlers, { onError: error => failures.push(error) })
  for (const [at, value] of thrown.entries()) {
    const answer = ask(peers.client, peers.server.address(), Protocol.generic(at))
    t.like(await t.throwsAsync(answer), { code: 'ERR_STREAM_RESET', errorCode: 0x102 }, `${at}`)
    t.true(Object.is(failures[at], value))
  }
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
        // More than the peer accepts unread, so the FIN waits for it.
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

test('a generator function is rejected as a handler, because nothing would run it', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const expected = { code: 'ERR_INVALID_ARGUMENT', message: /must be a function that runs.*generator/ }
  async function* lines() {
    yield 'never'
  }
  function* line() {
    yield 'never'
  }
  for (const [handlers, options] of [
    [{ Echo: lines }, {}],
    [[['Echo', line]], {}],
    [[], { fallback: lines }]
  ] as const)
    t.throws(() => server.listen(handlers as never, options), expected)

  const failures: unknown[] = []
  const onError = (error: unknown, stream: PeerStream) => failures.push((error as Error).message, stream.protocol)
  server.listen({ Lines: () => lines(), Line: async () => line(), Reads: stream => stream.lines() }, { onError })
  for (const protocol of ['Lines', 'Line', 'Reads']) {
    const error = await t.throwsAsync(ask(client, server.address(), protocol), { code: 'ERR_STREAM_RESET' })
    t.is((error as { errorCode?: number }).errorCode, 0x102)
    const message = 'the handler returned an iterator, which nothing iterates: loop over it inside the function'
    t.deepEqual(failures.splice(0), [message, protocol])
  }
})
