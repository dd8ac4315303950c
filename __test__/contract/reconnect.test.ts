import test from 'ava'
import { type Endpoint, type EndpointOptions, FastnNetError, getEndpoint, SecretKey } from 'fastn-net'
import { Echo, readAll, turn } from '../helpers/pair.js'

const quick: EndpointOptions = {
  network: 'loopback',
  connect: { minDelay: 10, maxDelay: 100, attemptTimeout: 500 }
}

function serve(endpoint: Endpoint): void {
  endpoint.listen([[Echo, stream => stream.write('here')]])
}

async function ask(from: Endpoint, to: Endpoint, timeout = 20_000): Promise<string> {
  const stream = await from.getStream(to.address(), Echo, { timeout })
  await stream.finish()
  return (await readAll(stream)).toString()
}

test('a request waits for an absent peer', async t => {
  await using client = await getEndpoint(SecretKey.generate(), quick)
  await using server = await getEndpoint(SecretKey.generate(), quick)
  const waiting = ask(client, server)
  await turn()
  serve(server)
  t.is(await waiting, 'here')
})

test('reaches a restarted peer at its new address', async t => {
  await using client = await getEndpoint(SecretKey.generate(), quick)
  const key = SecretKey.generate()
  for (let round = 0; round < 3; round++) {
    await using server = await getEndpoint(key, quick)
    serve(server)
    t.is(await ask(client, server), 'here')
  }
})

test('the error says what was tried, how often, and for how long', async t => {
  await using client = await getEndpoint(SecretKey.generate(), quick)
  await using server = await getEndpoint(SecretKey.generate(), quick)
  const error = await t.throwsAsync(ask(client, server, 3000), { instanceOf: FastnNetError })
  t.is(error.code, 'ERR_UNREACHABLE')
  t.regex(error.message, /listens for nothing.*127\.0\.0\.1:\d+.*dialled \d+ times in (?:[3-9]|\d\d)\.\d s/)
})

test('retry: false makes one attempt, and retries bounds attempts', async t => {
  await using server = await getEndpoint(SecretKey.generate(), quick)
  await using patient = await getEndpoint(SecretKey.generate(), quick)
  const unreachable = { code: 'ERR_UNREACHABLE', message: /listens for nothing/ } as const
  await t.throwsAsync(patient.getStream(server.address(), Echo, { retry: false }), unreachable)
  await using bounded = await getEndpoint(SecretKey.generate(), { ...quick, connect: { ...quick.connect, retries: 2 } })
  await t.throwsAsync(bounded.getStream(server.address(), Echo), unreachable)
  await t.throwsAsync(bounded.connect(server.address()), unreachable)
})

test('keep connects a peer until it is disposed or aborted', async t => {
  await using client = await getEndpoint(SecretKey.generate(), { ...quick, idleTimeout: 100 })
  const key = SecretKey.generate()
  const controller = new AbortController()
  let kept: Disposable | undefined
  for (let round = 0; round < 3; round++) {
    await using server = await getEndpoint(key, quick)
    const incoming = server.accept()
    kept ??= client.keep(server.address(), { signal: controller.signal })
    // The first peer is dialled without a call. From the others the client learns the server's new address.
    if (round > 0) await client.connect(server.address())
    const { value } = await incoming.next()
    t.is(value?.remoteId52, client.id52)
    t.true(client.peers()[0]?.kept)
  }
  kept?.[Symbol.dispose]()
  kept?.[Symbol.dispose]()
  controller.abort()
  while (client.peers()[0]?.kept === true) await turn()
  t.throws(() => client.keep('nobody'), { code: 'ERR_PEER_ADDRESS' })
})

test('the dialler closes an unused connection, but not a kept one', async t => {
  const idle = { ...quick, idleTimeout: 200 }
  await using client = await getEndpoint(SecretKey.generate(), idle)
  await using server = await getEndpoint(SecretKey.generate(), idle)
  serve(server)
  {
    using _kept = client.keep(server.address())
    const connection = await client.connect(server.address())
    const { closed } = connection
    await connection[Symbol.asyncDispose]()
    const still = new Promise(resolve => setTimeout(resolve, 1000, 'open'))
    t.is(await Promise.race([closed, still]), 'open')
    t.is(await ask(client, server), 'here')
  }
  const incoming = server.accept()
  await turn()
  const view = await client.connect(server.address())
  const { closed } = view
  await view[Symbol.asyncDispose]()
  t.like(await closed, { code: 0x101, by: 'local' })
  t.is(await ask(client, server), 'here')
  await incoming.return()
})
