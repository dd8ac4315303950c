// Any non-empty string is a protocol: the name of a unit protocol is that protocol, any other string a Generic one.
import { inspect } from 'node:util'
import test from 'ava'
import { Protocol } from 'fastn-net'
import { pair } from '../helpers/pair.js'

const invalid = { code: 'ERR_INVALID_ARGUMENT' }
const names = [
  'Echo',
  'http',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'a "quoted" name',
  '日本',
  'x'.repeat(2000)
]

for (const name of names) {
  test(`any string is a protocol on both sides: ${JSON.stringify(name).slice(0, 30)}`, async t => {
    await using peers = await pair()
    const address = peers.server.address()
    const generic = Protocol.generic(name)
    peers.server.listen(
      Object.fromEntries([[name, (stream: { finish(text: string): unknown }) => stream.finish('by name\n')]])
    )
    for (const asked of [name, generic]) {
      await using stream = await peers.client.getStream(address, asked)
      t.is(stream.protocol, name)
      t.is(await stream.nextString(), 'by name')
    }
    // Both mean the same protocol, which has a listener.
    for (const taken of [name, generic]) t.throws(() => peers.server.acceptBi(taken), { code: 'ERR_PROTOCOL_IN_USE' })
  })
}

test('an empty string names no protocol, unless it is written as a Generic value', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const empty = { ...invalid, message: /not a protocol: it is an empty string; write 'NAME'/ }
  t.throws(() => server.listen({ '': () => {} }), empty)
  t.throws(() => server.acceptBi(''), empty)
  await t.throwsAsync(client.getStream(server.address(), ''), empty)
  const incoming = server.acceptBi(Protocol.generic(''))
  await using mine = await client.getStream(server.address(), Protocol.generic(''))
  const { value: theirs } = await incoming.next()
  t.deepEqual([mine.protocol, theirs?.protocol], [{ Generic: '' }, { Generic: '' }])
})

test('stream.protocol and authorize.stream have one form, a string where a string means the protocol', async t => {
  const asked: unknown[] = []
  await using peers = await pair({ authorize: { stream: (_, protocol) => asked.push(protocol) > 0 } })
  const { client, server } = peers
  const address = server.address()
  const incoming = server.acceptBi(['Echo', 'Http', Protocol.generic('Http'), Protocol.generic({ b: 1, a: 2 })])
  server.listen({}, { fallback: stream => stream.finish(`${JSON.stringify(stream.protocol)}\n`) })
  for (const [written, seen] of [
    ['Echo', 'Echo'],
    ['Http', 'Http'],
    [Protocol.unit('Http'), 'Http'],
    [Protocol.generic('Echo'), 'Echo'],
    [Protocol.generic('Http'), { Generic: 'Http' }],
    [Protocol.generic({ b: 1, a: 2 }), { Generic: { a: 2, b: 1 } }]
  ] as const) {
    await using mine = await client.getStream(address, written)
    const { value: theirs } = await incoming.next()
    t.deepEqual([mine.protocol, theirs?.protocol, asked.pop()], [seen, seen, seen])
  }
  await using other = await client.getStream(address, 'Other')
  t.is(await other.nextString(), '"Other"')
  await using held = await client.connect(address)
  await using onConnection = await held.openBi('Echo')
  t.is(onConnection.protocol, 'Echo')
  t.is((await incoming.next()).value?.protocol, 'Echo')
})

test('a Generic with the name of a unit protocol is a different protocol', async t => {
  await using peers = await pair()
  peers.server.listen([
    ['Http', stream => stream.finish('unit\n')],
    [Protocol.generic('Http'), stream => stream.finish('generic\n')]
  ])
  const address = peers.server.address()
  t.is(await (await peers.client.getStream(address, 'Http')).nextString(), 'unit')
  t.is(await (await peers.client.getStream(address, Protocol.generic('Http'))).nextString(), 'generic')
})

test('a protocol of authorize.stream and of an error compares with ===', async t => {
  await using peers = await pair({ authorize: { stream: (_, protocol) => protocol === 'Echo' || protocol === 'Http' } })
  peers.server.listen([
    ['Echo', stream => stream.finish('hello\n')],
    ['Http', stream => stream.finish('hello\n')],
    [Protocol.generic('Http'), stream => stream.finish('hello\n')]
  ])
  const address = peers.server.address()
  for (const admitted of ['Echo', 'Http', Protocol.generic('Echo')]) {
    await using stream = await peers.client.getStream(address, admitted)
    t.is(await stream.nextString(), 'hello')
  }
  const error = await t.throwsAsync(peers.client.getStream(address, Protocol.generic('Http')))
  t.like(error, { code: 'ERR_UNAUTHORIZED', protocol: { Generic: 'Http' } })
  const unknown = await t.throwsAsync(peers.client.getStream(address, Protocol.generic('Other')))
  t.like(unknown, { code: 'ERR_PROTOCOL_UNSUPPORTED', protocol: 'Other' })
})

test('changing the object that named a protocol changes no stream', async t => {
  await using peers = await pair()
  const named = { Generic: { room: 'a' } }
  const incoming = peers.server.acceptBi(named)
  const mine = await peers.client.getStream(peers.server.address(), named)
  named.Generic.room = 'b'
  const { value: theirs } = await incoming.next()
  t.deepEqual([mine.protocol, theirs?.protocol], [{ Generic: { room: 'a' } }, { Generic: { room: 'a' } }])
})

test('an invalid protocol is an error that says what to pass', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const handler = () => {}
  const write = /Protocol\.generic\('NAME'\)/
  t.throws(() => server.listen({ Generic: handler } as never), { ...invalid, message: write })
  await t.throwsAsync(client.getStream(server.id52, 'Generic'), { ...invalid, message: write })
  await t.throwsAsync(client.getStream(server.id52, { Generic: handler } as never), { ...invalid, message: /function/ })
  await t.throwsAsync(client.getStream(server.id52, { Echo: null } as never), {
    ...invalid,
    message: /Protocol\.generic/
  })
  t.throws(() => server.listen({ Ping: handler } as never), { ...invalid, message: /Ping.*no handler/ })
  t.throws(() => server.acceptBi('Ping'), { ...invalid, message: /Ping.*no handler/ })
  t.throws(() => Protocol.unit('Echo' as never), { ...invalid, message: /'Http'/ })
  await t.throwsAsync(client.getStream(server.id52, '\ud800'), { ...invalid, message: /surrogate/ })
})

test("control characters in a peer's protocol name are escaped", async t => {
  await using peers = await pair()
  const name = 'bad\u009b31m\u202e\u007f'
  const warned = new Promise<Error>(resolve => process.once('warning', resolve))
  const shown = new Promise<string>(resolve => {
    peers.server.listen(
      {},
      {
        fallback: stream => {
          resolve(inspect(stream))
          throw new Error(`failed at ${JSON.stringify(stream.protocol)}`)
        }
      }
    )
  })
  // The handler fails at once, so `getStream` may resolve or reject.
  await peers.client.getStream(peers.server.address(), name).catch(() => {})
  for (const text of [await shown, (await warned).message]) {
    t.notRegex(text, /[\p{Cc}\u202e]/u)
    t.true(text.includes('bad\\u{9b}31m\\u{202e}\\u{7f}'), text)
  }
})
