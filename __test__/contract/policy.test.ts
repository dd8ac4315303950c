// The policy of an endpoint: `access.setPolicy`, `access.explain`, and the option `policy`.
import test, { type ExecutionContext } from 'ava'
import {
  defineService,
  type Endpoint,
  type EndpointOptions,
  getEndpoint,
  type PeerStream,
  type Policy,
  type PolicyRule,
  Protocol,
  SecretKey
} from 'fastn-net'
import { pair, readAll } from '../helpers/pair.js'

async function endpoint(t: ExecutionContext, options: EndpointOptions = {}): Promise<Endpoint> {
  const made = await getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 500, ...options })
  t.teardown(() => made.close())
  return made
}

const allow = (protocol: Protocol, ...peers: Endpoint[]): PolicyRule => ({
  protocol,
  peers: peers.map(({ publicKey }) => publicKey),
  effect: 'allow'
})

test('a stream that no rule allows is refused, and others are served', async t => {
  const [server, friend, stranger] = [await endpoint(t), await endpoint(t), await endpoint(t)]
  server.listen({ Chat: stream => stream.finish('hello'), Secret: stream => stream.finish('secret') })
  server.access.setPolicy({ rules: [allow('Chat', friend)] })
  const chat = await friend.getStream(server.address(), 'Chat')
  t.is(await chat.text(), 'hello')
  const refused = { code: 'ERR_UNAUTHORIZED', message: /'Secret'/ }
  await t.throwsAsync(friend.getStream(server.address(), 'Secret'), refused)
  await t.throwsAsync(stranger.getStream(server.address(), 'Chat'), { code: 'ERR_UNAUTHORIZED' })
  server.access.setPolicy(null)
  t.is(await (await stranger.getStream(server.address(), 'Secret')).text(), 'secret')
})

test('the option policy holds from the first stream on', async t => {
  const client = await endpoint(t)
  const server = await endpoint(t, { policy: { rules: [allow('Chat', client)] } })
  server.listen({ Chat: stream => stream.finish('hello'), Secret: () => t.fail() })
  await t.throwsAsync(client.getStream(server.address(), 'Secret'), { code: 'ERR_UNAUTHORIZED' })
  t.is(await (await client.getStream(server.address(), 'Chat')).text(), 'hello')
  const wrong: Policy = { rules: [{ protocol: 'Chat', service: 'x', effect: 'allow' }] }
  await t.throwsAsync(getEndpoint(SecretKey.generate(), { network: 'loopback', policy: wrong }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /rule 0 of the policy/
  })
})

test('a revoked stream ends at both sides within 100 ms, with and without a pending call', async t => {
  await using both = await pair()
  const { client, server } = both
  server.access.setPolicy({ rules: [allow('Echo', client), allow('Chat', client)] })
  const [reading, served] = await both.stream()
  const [idle] = await both.stream()
  server.listen({ Chat: stream => stream.finish() })
  const there = served.read()
  const here = [reading, idle].map(stream => stream.read())
  const began = performance.now()
  server.access.setPolicy({ rules: [allow('Chat', client)] })
  const reset = { code: 'ERR_STREAM_RESET' }
  for (const read of here) t.is(((await t.throwsAsync(read, reset)) as { errorCode?: unknown }).errorCode, 0x105)
  await t.throwsAsync(there, { code: 'ERR_UNAUTHORIZED' })
  t.true(performance.now() - began < 100, String(performance.now() - began))
  // The connection stays open for allowed streams.
  t.deepEqual(await readAll(await client.getStream(server.address(), 'Chat')), Buffer.alloc(0))
  t.is(client.peers().find(({ id52 }) => id52 === server.id52)?.connections.length, 1)
})

test('the first policy keeps queued streams from the loop that waits for them', async t => {
  const [server, client] = [await endpoint(t), await endpoint(t)]
  const secrets = server.acceptBi(['Secret', 'Chat'])
  const opened = ['Secret', 'Secret', 'Chat'].map(protocol => client.getStream(server.address(), protocol))
  const denied = (await Promise.all(opened)).slice(0, 2)
  server.access.setPolicy({ rules: [allow('Chat', client)] })
  const taken = (await secrets.next()).value as PeerStream
  t.is(taken.protocol, 'Chat')
  for (const stream of denied) await t.throwsAsync(stream.read(), { code: 'ERR_STREAM_RESET' })
  // A stream that the first policy admitted is revoked by the next.
  server.access.setPolicy({ rules: [allow('Other', client)] })
  await t.throwsAsync(taken.read(), { code: 'ERR_UNAUTHORIZED' })
})

test('a handler whose stream is revoked is aborted and causes no warning', async t => {
  const [server, client] = [await endpoint(t), await endpoint(t)]
  const warnings: string[] = []
  const note = (warning: Error) => warnings.push(warning.message)
  process.on('warning', note)
  t.teardown(() => process.off('warning', note))
  const reason = new Promise<unknown>(resolve => {
    server.listen({
      async Chat(stream) {
        stream.signal.addEventListener('abort', () => resolve(stream.signal.reason))
        await stream.write('hello')
        await stream.read()
      }
    })
  })
  server.access.setPolicy({ rules: [allow('Chat', client), allow('Other', client)] })
  const stream = await client.getStream(server.address(), 'Chat')
  await stream.read()
  server.access.setPolicy({ rules: [allow('Other', client)] })
  t.like(await reason, { code: 'ERR_UNAUTHORIZED' })
  await t.throwsAsync(stream.read(), { code: 'ERR_STREAM_RESET' })
  await new Promise(resolve => setTimeout(resolve, 20))
  t.deepEqual(warnings, [])
})

test('authorize is called only if a rule says ask', async t => {
  const asked: unknown[] = []
  const stream = (_: string, protocol: Protocol) => {
    asked.push(protocol)
    return protocol === 'Maybe'
  }
  const [server, client] = [await endpoint(t, { authorize: { stream } }), await endpoint(t)]
  server.listen({ Chat: () => {}, Maybe: () => {}, Never: () => {} })
  const ask = (protocol: Protocol): PolicyRule => ({ protocol, effect: 'ask' })
  server.access.setPolicy({ rules: [{ protocol: 'Chat', effect: 'allow' }, ask('Maybe'), ask('Never')] })
  await client.getStream(server.address(), 'Chat')
  await client.getStream(server.address(), 'Maybe')
  await t.throwsAsync(client.getStream(server.address(), 'Never'), { code: 'ERR_UNAUTHORIZED' })
  t.deepEqual(asked, ['Maybe', 'Never'])
})

test('streams beyond a rate are refused as busy', async t => {
  const [server, client] = [await endpoint(t), await endpoint(t)]
  server.listen({ Chat: () => {} })
  server.access.setPolicy({ rules: [{ protocol: 'Chat', effect: { perSecond: 1, burst: 2, of: 'all' } }] })
  const open = () => client.getStream(server.address(), 'Chat')
  await Promise.all([open(), open()])
  await t.throwsAsync(open(), { code: 'ERR_BUSY', message: /1 new streams of 'Chat' a second/ })
})

test('explain returns the deciding rule, for services too', async t => {
  const [server, friend, foe] = [await endpoint(t), await endpoint(t), await endpoint(t)]
  const { access } = server
  t.like(access.explain(friend.id52, 'Chat'), { effect: 'ask', by: 'nothing' })
  const rules: PolicyRule[] = [
    { peers: [foe.publicKey], effect: 'deny' },
    { peers: [friend.publicKey], protocol: 'Tcp', service: 'db', effect: { perSecond: 5 } },
    { service: 'web', effect: 'allow' },
    { protocol: Protocol.generic({ fastn: 'rpc' }), effect: 'ask' }
  ]
  access.setPolicy({ rules, otherwise: 'deny' })
  const of = (peer: Endpoint, protocol: Protocol, service?: string) => {
    const { by, index } = access.explain(peer.publicKey, protocol, service === undefined ? {} : { service })
    return index ?? by
  }
  t.is(of(foe, 'Tcp', 'web'), 0)
  t.is(of(friend, 'Tcp', 'db'), 1)
  t.deepEqual(access.explain(friend.id52, 'Tcp', { service: 'db' }).effect, { perSecond: 5 })
  t.is(of(friend, 'Http', 'web'), 2)
  t.is(of(friend, Protocol.generic({ fastn: 'udp' }), 'web'), 2)
  t.is(of(friend, 'Tcp'), 'otherwise')
  const sums = defineService({ add: {} }, { name: 'sums' })
  t.is(of(friend, sums.protocol('add')), 3)
  t.throws(() => access.explain(friend.id52, 'Chat', { service: 'web' }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /'Chat' has no services/
  })
  access.deny(friend.id52)
  t.like(access.explain(friend.id52, 'Http', { service: 'web' }), { effect: 'deny', by: 'deny', rule: undefined })
  access.set({ allow: [foe.id52], deny: [] })
  t.like(access.explain(friend.id52, 'Http', { service: 'web' }), { effect: 'deny', by: 'allow' })
  t.is(access.policy?.rules.length, 4)
})

test('an invalid policy is rejected, and the previous one stays', async t => {
  const server = await endpoint(t)
  const good: Policy = { rules: [], otherwise: 'allow' }
  server.access.setPolicy(good)
  const wrong: [unknown, RegExp][] = [
    [{ rules: {} }, /policy\.rules must be an array/],
    [{ rules: [{ effect: 'permit' }] }, /policy\.rules\[0\]\.effect must be one of/],
    [{ rules: [{ effect: { perSecond: 0 } }] }, /effect\.perSecond/],
    [{ rules: [{ effect: { perSecond: 1, of: 'each' } }] }, /effect\.of/],
    [{ rules: [{ peer: [], effect: 'allow' }] }, /did you mean 'peers'/],
    [{ rules: [], otherwise: 1 }, /policy\.otherwise/],
    [{ rules: [{ protocol: 'Chat', service: 'a', effect: 'allow' }] }, /rule 0 of the policy/]
  ]
  for (const [policy, message] of wrong)
    t.throws(() => server.access.setPolicy(policy as Policy), { code: 'ERR_INVALID_ARGUMENT', message })
  t.throws(() => server.access.setPolicy({ rules: [{ peers: ['x'], effect: 'allow' }] }), { code: 'ERR_PEER_ADDRESS' })
  t.like(server.access.explain(SecretKey.generate().publicKey, 'Chat'), { effect: 'allow', by: 'otherwise' })
})
