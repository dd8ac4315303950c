// Native log records, as a logger receives them. The logger is shared by the thread, so the tests are serial.
import test from 'ava'
import { getEndpoint, type LogRecord, SecretKey, setLogger } from 'fastn-net'
import { Echo, pair, readAll, turn } from '../helpers/pair.js'

test.afterEach.always(() => setLogger(null))

/** Waits until the condition holds. Otherwise the timeout of the test run applies. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

test.serial('logs endpoints, connections and streams, with peer and id', async t => {
  const records: LogRecord[] = []
  const before = Date.now()
  setLogger(record => records.push(record), { filter: 'fastn_net=trace' })
  const peers = await pair()
  const [mine] = await peers.stream()
  const { id52 } = peers.server
  const connections = () => records.filter(({ target }) => target === 'fastn_net::connection')
  await peers[Symbol.asyncDispose]()
  const said = (target: string, message: string) =>
    records.find(
      each => each.target === `fastn_net::${target}` && each.message === message && each.fields.peer === id52
    )
  await until(() => connections().filter(({ message }) => message === 'closed').length === 2)
  for (const [target, message, level] of [
    ['dial', 'dialling', 'debug'],
    ['dial', 'dialled', 'debug'],
    ['connection', 'opened', 'info'],
    ['connection', 'preferred', 'debug'],
    ['stream', 'opened', 'trace'],
    ['stream', 'acknowledged', 'trace'],
    ['connection', 'closed', 'info']
  ] as const) {
    t.is(said(target, message)?.level, level, `${target}: ${message}`)
  }
  const { fields, time, dropped } = said('stream', 'opened') as LogRecord
  t.is(fields.stream, mine.id)
  t.is(typeof fields.connection, 'number')
  t.is(dropped, undefined)
  t.true(time > before - 1000 && time < Date.now() + 1000)
  t.true(records.every(({ target }) => target.startsWith('fastn_net')))
  setLogger(null)
  t.is(records.filter(each => each.message === 'bound').length, 2)
  t.is(records.filter(each => each.target === 'fastn_net::endpoint' && each.message === 'closed').length, 2)
})

test.serial('a failed dial logs its error', async t => {
  const records: LogRecord[] = []
  setLogger(record => records.push(record))
  await using endpoint = await getEndpoint(SecretKey.generate(), {
    network: 'loopback',
    connect: { attemptTimeout: 100 }
  })
  const nobody = { id52: SecretKey.generate().id52, addresses: ['127.0.0.1:9'] }
  await t.throwsAsync(endpoint.connect(nobody, { timeout: 2000 }), { code: 'ERR_UNREACHABLE' })
  await until(() => records.some(({ target, level }) => target === 'fastn_net::dial' && level === 'info'))
  const failed = records.find(({ target }) => target === 'fastn_net::dial')
  t.is(failed?.fields.code, 'ERR_UNREACHABLE')
  t.is(failed?.fields.peer, nobody.id52)
  t.regex(failed?.message ?? '', /127\.0\.0\.1:9/)
})

test.serial('the default filter does not log each stream', async t => {
  const records: LogRecord[] = []
  setLogger(record => records.push(record))
  await using peers = await pair()
  for (let count = 0; count < 10; count++) await peers.stream()
  await until(() => records.some(({ target, message }) => target === 'fastn_net::connection' && message === 'opened'))
  setLogger(null)
  t.deepEqual(
    records.filter(({ level }) => level === 'debug' || level === 'trace'),
    []
  )
})

test.serial('no record contains a secret', async t => {
  const records: LogRecord[] = []
  const [one, two] = [SecretKey.generate(), SecretKey.generate()]
  setLogger(record => records.push(record), { filter: 'trace' })
  const token = 'a-token-that-only-the-relay-sees'
  const network = { bind: ['127.0.0.1:0'], relays: [{ url: 'http://127.0.0.1:9', token }] }
  const server = await getEndpoint(one, { network })
  const client = await getEndpoint(two, { network })
  const serving = server.acceptBi(Echo)
  const [mine, { value: theirs }] = await Promise.all([
    client.getStream(server.address(), Echo, { extra: 'private words' }),
    serving.next()
  ])
  await Promise.all([mine.finish('more private words'), theirs?.finish('private answer')])
  await readAll(mine)
  await Promise.all([client.close(), server.close()])
  setLogger(null)
  t.true(records.length > 100)
  const all = JSON.stringify(records)
  for (const { name, text } of [one, two].flatMap(key => {
    const bytes = key.toBytes()
    return [
      { name: 'hex', text: key.toHex() },
      { name: 'base64', text: Buffer.from(bytes).toString('base64').slice(0, 40) },
      { name: 'numbers', text: [...bytes].slice(0, 8).join(', ') }
    ]
  })) {
    t.false(all.toLowerCase().includes(text.toLowerCase()), name)
  }
  t.false(all.includes(token))
  t.false(all.includes('private'))
})

test.serial('a logger that throws causes one warning and nothing else', async t => {
  const warnings: (Error & { code?: string })[] = []
  const listen = (warning: Error) => warnings.push(warning)
  process.on('warning', listen)
  let count = 0
  setLogger(
    () => {
      count++
      if (count % 2 === 0) throw new Error('a logger failed')
      return Promise.reject(new Error('a logger failed'))
    },
    { filter: 'fastn_net=trace' }
  )
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await Promise.all([mine.finish('still'), theirs.finish('works')])
  t.is((await readAll(mine)).toString(), 'works')
  await until(() => count > 4 && warnings.length > 0)
  await turn()
  process.off('warning', listen)
  t.deepEqual(
    warnings.map(({ code }) => code),
    ['ERR_LOGGER']
  )
  t.regex(warnings[0]?.message ?? '', /a logger failed/)
})

test.serial('an invalid filter is rejected by name, and the previous logger stays', async t => {
  const records: LogRecord[] = []
  setLogger(record => records.push(record), { filter: 'fastn_net=info' })
  const wrong = { code: 'ERR_INVALID_ARGUMENT', message: /"fastn_net=loud"/ }
  t.throws(() => setLogger(() => {}, { filter: 'warn,fastn_net=loud' }), wrong)
  t.throws(() => setLogger('console' as never), { code: 'ERR_INVALID_ARGUMENT' })
  t.throws(() => setLogger(() => {}, { filter: 5 as never }), { code: 'ERR_INVALID_ARGUMENT', message: /filter/ })
  await using _endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const isBound = () => records.some(({ message }) => message === 'bound')
  await until(isBound)
  t.true(isBound())
})

test.serial('a second logger replaces the first', async t => {
  const [first, second]: [LogRecord[], LogRecord[]] = [[], []]
  setLogger(record => first.push(record))
  setLogger(record => second.push(record))
  await using _endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  await until(() => second.length > 0)
  t.deepEqual(first, [])
})

test.serial('a logger that removes itself is not called again', async t => {
  let count = 0
  setLogger(
    () => {
      if (++count === 1) setLogger(null)
    },
    { filter: 'trace' }
  )
  const peers = await pair()
  await peers.stream()
  await until(() => count > 0)
  // It still receives the records made until then, and none after.
  const then = count
  await peers[Symbol.asyncDispose]()
  t.is(count, then)
})

test.serial('a logger whose calls create records blocks nothing', async t => {
  const peers = await pair()
  await peers.stream()
  let calls = 0
  setLogger(
    () => {
      // Each record causes several more: the queue overflows, and lost records are counted.
      if (calls++ < 20_000)
        void peers.client.getStream(peers.server.id52, 'Http', { ack: 'later' }).then(
          stream => stream.reset(1),
          () => {}
        )
    },
    { filter: 'trace' }
  )
  await peers.stream()
  let turns = 0
  while (turns < 20 || calls < 1000) {
    await turn()
    turns++
  }
  setLogger(null)
  const then = calls
  await turn()
  t.is(calls, then)
  await peers[Symbol.asyncDispose]()
})

test.serial('bounds the records that arrive while JavaScript is busy, and counts dropped ones', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const records: LogRecord[] = []
  setLogger(record => records.push(record), { filter: 'trace' })
  const hasDropped = () => records.some(({ dropped }) => dropped !== undefined)
  const data = new Uint8Array(1_000_000)
  const into = new Uint8Array(1_000_000)
  // QUIC logs every packet, and the event loop does not turn during calls that need not wait.
  const transfer = async (pause: number) => {
    const sending = (async () => {
      for (let count = 0; count < 24; count++) await mine.write(data)
    })()
    let left = 24_000_000
    while (left > 0) {
      left -= (await theirs.read({ into })) ?? Number.NaN
      // Busy for the event loop, and not for the threads of the addon.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pause)
    }
    await sending
    t.is(left, 0)
  }
  // On a slow machine, the bytes are there only after a longer pause.
  for (let pause = 30; !hasDropped(); pause *= 4) {
    await transfer(pause)
    for (let turns = 0; turns < 5; turns++) await turn()
  }
  setLogger(null)
  const notice = records.find(({ dropped }) => dropped !== undefined)
  t.true((notice?.dropped ?? 0) > 0)
  t.is(notice?.target, 'fastn_net::logging')
  t.is(notice?.level, 'warn')
})
