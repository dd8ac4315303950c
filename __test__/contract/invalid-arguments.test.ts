// Arguments of the wrong type: an immediate error with a code, and no other effect.
import test from 'ava'
import {
  createEndpoint,
  defineService,
  Graceful,
  getEndpoint,
  isFastnNetError,
  loadSecretKey,
  Protocol,
  readOrCreateSecretKey,
  SecretKey,
  saveSecretKey
} from 'fastn-net'
import { httpAgent, peerConnector } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'

const invalid = { code: 'ERR_INVALID_ARGUMENT' }

test('every call rejects options that are not an object', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const { client, server } = peers
  const address = server.address()
  const listener = client.listen({ Echo() {} })
  const none = null as never
  for (const call of [
    () => getEndpoint(SecretKey.generate(), none),
    () => createEndpoint(none),
    () => client.getStream(address, 'Http', none),
    () => client.connect(address, none),
    () => client.ping(address, none),
    () => client.ticket(none),
    () => client.keep(address, none),
    () => client.watch(none),
    () => client.accept(none),
    () => client.acceptBi('Http', none),
    () => client.listen({}, none),
    () => client.close(none),
    () => listener.close(none),
    () => client.access.set(none),
    () => mine.connection.openBi('Http', none),
    () => mine.connection.acceptBi('Http', none),
    () => mine.nextString(none),
    () => mine.nextJson(none),
    () => mine.lines(none),
    () => new Graceful(none),
    () => new Graceful().spawn(Promise.resolve(), none),
    () => new Graceful().shutdown(none),
    () => loadSecretKey(none),
    () => readOrCreateSecretKey(none),
    () => saveSecretKey(SecretKey.generate(), none)
  ]) {
    await t.throwsAsync(async () => await call(), { ...invalid, message: /options|lists/ }, call.toString())
  }
})

test('the key store rejects invalid options', async t => {
  for (const [options, field] of [
    [{ folder: 5 }, /options\.folder/],
    [{ name: 5 }, /options\.name/],
    [{ env: null }, /options\.env/],
    [{ env: { FASTN_SECRET_KEY: 5 } }, /options\.env\.FASTN_SECRET_KEY/],
    [{ env: { FASTN_SECRET_KEYS: ['a'] } }, /options\.env\.FASTN_SECRET_KEYS/],
    [{ env: { FASTN_SECRET_KEYS_FILE: null } }, /options\.env\.FASTN_SECRET_KEYS_FILE/],
    [{ signal: {} }, /options\.signal/],
    [{ id52: SecretKey.generate().id52, keyring: 'mine' }, /options\.keyring/]
  ] as const) {
    await t.throwsAsync(loadSecretKey({ env: {}, ...options } as never), { ...invalid, message: field })
  }
})

test('access lists are any iterable of peers, and not one peer', async t => {
  const [one, other] = [SecretKey.generate(), SecretKey.generate()]
  const allow = new Set([one.id52, other.id52])
  await using endpoint = await getEndpoint(SecretKey.generate(), {
    network: 'loopback',
    allow,
    deny: new Map([[other.id52, 1]]).keys()
  })
  t.deepEqual(endpoint.access.lists.allow?.toSorted(), [...allow].sort())
  t.deepEqual(endpoint.access.lists.deny, [other.id52])
  endpoint.access.set({ allow: new Set([one.publicKey]), deny: [] })
  t.deepEqual(endpoint.access.lists, { allow: [one.id52], deny: [] })
  endpoint.access.deny(new Set([one.id52]))
  endpoint.access.allow(other.id52)
  t.deepEqual(endpoint.access.lists.deny, [one.id52])
  for (const single of [one.id52, one.publicKey, { id52: one.id52 }] as never[]) {
    const message = (name: string) =>
      new RegExp(`${name} must be an array or another iterable of peers.*: write \\[peer\\]$`)
    for (const name of ['allow', 'deny']) {
      const creating = getEndpoint(SecretKey.generate(), { network: 'loopback', [name]: single })
      await t.throwsAsync(creating, { ...invalid, message: message(`options\\.${name}`) })
      t.throws(() => endpoint.access.set({ [name]: single }), { ...invalid, message: message(`lists\\.${name}`) })
    }
  }
})

test('access lists must be lists of peers, or null where allowed', async t => {
  await using peers = await pair()
  const { access } = peers.server
  for (const allow of [0, '', Number.NaN, false]) {
    const error = t.throws(() => access.set({ allow: allow as never }), { any: true })
    t.true(isFastnNetError(error), String(error))
  }
  t.deepEqual(access.lists, { allow: null, deny: [] })
})

test('listen rejects handlers that serve nothing, and says what to pass', async t => {
  await using peers = await pair()
  const { server } = peers
  class Handlers {
    Echo() {}
  }
  const nothing = /^handlers must name at least one protocol.*\{ Echo: stream => … \}/
  for (const [handlers, message] of [
    [new Map([['Echo', () => {}]]), /^handlers must be .*, not an instance of Map: write \[\.\.\.handlers\]$/],
    [new Set(), /^handlers must be .*, not an instance of Set/],
    [new Handlers(), /^handlers must be .*, not an instance of Handlers$/],
    [{}, nothing],
    [[], nothing],
    [{ Echo: undefined }, nothing],
    [[undefined, ['Http', () => {}]], /^handlers\[0\] must be \[protocol, function\]/],
    [null, /^handlers must be .*, not null$/],
    ['Echo', /^handlers must be .*, not a string$/]
  ] as const) {
    t.throws(() => server.listen(handlers as never), { ...invalid, message })
  }
  for (const protocols of [[], [undefined, 'Http'], [undefined], [null]])
    t.throws(() => server.acceptBi(protocols as never), invalid)
  const [mine] = await peers.stream()
  t.throws(() => mine.connection.acceptBi([]), { ...invalid, message: /^protocols must have at least one/ })
  const controller = new AbortController()
  const listener = server.listen({}, { fallback: () => {}, signal: controller.signal })
  controller.abort()
  await listener.closed
  await server.listen(Object.assign(Object.create(null), { Http: () => {} }), { signal: controller.signal }).closed
})

test('an invalid peer is an error that says what to pass', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const { client, server } = peers
  for (const [peer, give] of [
    [server, /publicKey/],
    [SecretKey.generate(), /publicKey/],
    [mine, /id52/],
    [{ id52: server.id52, publicKey: server.publicKey }, /publicKey/],
    [Promise.resolve(server.id52), /^peer is a promise: await it$/],
    ['Ada', /has 3 characters; give a ticket, an ID52 \(52 characters\), 64 hex/]
  ] as const) {
    await t.throwsAsync(client.getStream(peer as never, 'Http'), { code: 'ERR_PEER_ADDRESS', message: give })
    await t.throwsAsync(client.call(peer as never, 'Http'), { code: 'ERR_PEER_ADDRESS', message: give })
  }
  const message = /^peer is undefined: give a ticket or an ID52$/
  await t.throwsAsync(client.getStream(undefined as never, 'Http'), { ...invalid, message })
  const service = defineService({ echo: {} })
  t.throws(() => client.client(service, undefined as never), { ...invalid, message })
  for (const call of [httpAgent, peerConnector]) {
    t.throws(() => call(client, undefined as never), { ...invalid, message })
    t.throws(() => call(client, 'Ada'), { code: 'ERR_PEER_ADDRESS' })
  }
})

test('a misspelt field of a peer is an error that names the nearest, and other fields are ignored', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const { id52, addresses } = server.address()
  const misspelt = { id52, relay: addresses } as never
  const unknown = (path: string) => ({
    ...invalid,
    message: `unknown field 'relay' in ${path}: did you mean 'relays'?`
  })
  await t.throwsAsync(client.getStream(misspelt, 'Http'), unknown('peer'))
  await t.throwsAsync(client.connect(misspelt), unknown('peer'))
  await t.throwsAsync(client.bridgeTcp({ peer: misspelt }), unknown('options.peer'))
  t.throws(() => client.keep(misspelt), unknown('peer'))
  t.throws(() => server.access.deny([id52, misspelt]), unknown('peers[1]'))
  const missing = { ...invalid, message: /did you mean 'id52'/ }
  await t.throwsAsync(client.getStream({ Id52: id52, addresses } as never, 'Http'), missing)
  class Contact {
    readonly id52 = id52
    readonly addresses = addresses
    readonly address = 'Main Street'
  }
  server.listen({ Echo: stream => stream.finish('hello') })
  for (const peer of [new Contact(), { ...new Contact(), name: 'server' }, { ...client.peers()[0], id52, addresses }])
    t.is(await (await client.getStream(peer, 'Echo')).text(), 'hello')
})

test('a protocol whose getter changes its name stays one protocol', async t => {
  await using peers = await pair()
  let asked = 0
  const shifty = {
    get Generic() {
      return asked++ % 2 === 0 ? 'One' : 'Other'
    }
  }
  const address = peers.server.address()
  await t.throwsAsync(peers.client.getStream(address, shifty, { timeout: 1, retry: false }), { any: true })
  peers.server.listen([[Protocol.generic('One'), stream => stream.finish('one\n')]])
  t.is(await (await peers.client.getStream(address, Protocol.generic('One'))).nextString(), 'one')
})
