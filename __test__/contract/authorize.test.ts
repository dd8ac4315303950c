// Authorization of peers and streams: `authorize`, `allow` and `deny`.
import test, { type ExecutionContext } from 'ava'
import {
  type Authorize,
  type Endpoint,
  type EndpointOptions,
  type FastnNetError,
  type FastnNetErrorCode,
  getEndpoint,
  type PeerStream,
  type Protocol,
  SecretKey
} from 'fastn-net'
import { turn } from '../helpers/pair.js'

const Echo: Protocol = 'Echo'
const Other: Protocol = 'Other'

async function endpoint(t: ExecutionContext, options: EndpointOptions = {}): Promise<Endpoint> {
  const made = await getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 500, ...options })
  t.teardown(() => made.close())
  return made
}

async function echo(stream: PeerStream): Promise<void> {
  await stream.write(`${await stream.nextString()}\n`)
}

/** A server that echoes lines, and a client that knows its address. */
async function both(t: ExecutionContext, options: EndpointOptions): Promise<[Endpoint, Endpoint]> {
  const server = await endpoint(t, options)
  server.listen([
    [Echo, echo],
    [Other, echo]
  ])
  return [server, await endpoint(t)]
}

async function exchange(client: Endpoint, server: Endpoint, protocol = Echo): Promise<string | null> {
  const stream = await client.getStream(server.address(), protocol)
  await stream.finish('hello\n')
  return await stream.nextString()
}

async function refusal(promise: Promise<unknown>): Promise<FastnNetError> {
  try {
    await promise
  } catch (error) {
    return error as FastnNetError
  }
  throw new Error('it was not refused')
}

test('authorizes a peer once per connection, and every stream', async t => {
  const asked: unknown[] = []
  const [server, client] = await both(t, {
    authorize: {
      peer: id52 => asked.push(id52) > 0,
      stream: async (id52, protocol) => asked.push([id52, protocol]) > 0
    }
  })
  t.is(await exchange(client, server), 'hello')
  t.is(await exchange(client, server, Other), 'hello')
  t.true((await client.ping(server.address())) > 0)
  t.deepEqual(asked, [client.id52, [client.id52, Echo], [client.id52, Other]])
})

const failing: [string, () => boolean | Promise<boolean>, string | null][] = [
  ['false', () => false, null],
  ['a promise of false', async () => false, null],
  [
    'a throw',
    () => {
      throw new Error('broken')
    },
    'broken'
  ],
  [
    'a rejection',
    async () => {
      throw new Error('broken later')
    },
    'broken later'
  ],
  ['no boolean', (() => 'yes') as never, 'must be a boolean'],
  ['no boolean, later', (async () => 1) as never, 'must be a boolean']
]

for (const [what, answer, reported] of failing) {
  test(`${what} rejects a peer in every call`, async t => {
    const errors: [unknown, string, unknown][] = []
    const onError = (error: unknown, id52: string, protocol: Protocol | null) => errors.push([error, id52, protocol])
    const [server, client] = await both(t, { authorize: { peer: answer, onError } })
    const address = server.address()
    t.like(await refusal(client.getStream(address, Echo)), { code: 'ERR_UNAUTHORIZED', peer: server.id52 })
    t.like(await refusal(client.getStream(address, Echo, { retry: false })), { code: 'ERR_UNAUTHORIZED' })
    t.like(await refusal(client.ping(address)), { code: 'ERR_UNAUTHORIZED' })
    const later = async () => await (await client.getStream(address, Echo, { ack: 'later' })).nextString()
    t.like(await refusal(later()), { code: 'ERR_UNAUTHORIZED' })
    const connected = async () => {
      const connection = await client.connect(address)
      t.like(await connection.closed, { code: 0x104, by: 'peer' })
      await connection.openBi(Echo)
    }
    t.like(await refusal(connected()), { code: 'ERR_UNAUTHORIZED' })
    if (reported === null) t.deepEqual(errors, [])
    else {
      t.true(errors.length > 0)
      for (const [error, id52, protocol] of errors) {
        t.true((error as Error).message.includes(reported))
        t.deepEqual([id52, protocol], [client.id52, null])
      }
    }
  })

  test(`${what} rejects a stream, and no other`, async t => {
    const errors: unknown[] = []
    const stream: Authorize['stream'] = (_, protocol) => protocol === Other || answer()
    const [server, client] = await both(t, { authorize: { stream, onError: (...error) => errors.push(error) } })
    const open = await client.getStream(server.address(), Other)
    const refused = await refusal(client.getStream(server.address(), Echo))
    t.like(refused, { code: 'ERR_UNAUTHORIZED', remoteCode: 'unauthorized', protocol: Echo })
    await open.finish('hello\n')
    t.is(await open.nextString(), 'hello')
    t.is(errors.length, reported === null ? 0 : 1)
  })
}

test('a late result rejects at the timeout, and is ignored', async t => {
  let late: ((may: boolean) => void) | undefined
  const answer = () =>
    new Promise<boolean>(resolve => {
      late = resolve
    })
  const [server, client] = await both(t, { authorize: { stream: answer, timeout: 100 } })
  t.like(await refusal(client.getStream(server.address(), Echo)), { code: 'ERR_UNAUTHORIZED' })
  late?.(true)
  await turn()
  t.like(await refusal(client.getStream(server.address(), Echo)), { code: 'ERR_UNAUTHORIZED' })
})

test('a stream does not wait for the authorization of another', async t => {
  let answer: ((may: boolean) => void) | undefined
  const stream: Authorize['stream'] = (_, protocol) => {
    if (protocol === Other) return true
    return new Promise<boolean>(resolve => {
      answer = resolve
    })
  }
  const [server, client] = await both(t, { authorize: { stream } })
  const waiting = exchange(client, server)
  while (answer === undefined) await turn()
  t.is(await exchange(client, server, Other), 'hello')
  answer(true)
  t.is(await waiting, 'hello')
})

test('a protocol without a listener is not authorized', async t => {
  const [server, client] = await both(t, { authorize: { stream: () => t.fail() as never } })
  t.like(await refusal(client.getStream(server.address(), 'Tcp')), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('more than maxPending requests are refused as busy', async t => {
  let answer: ((may: boolean) => void) | undefined
  const stream: Authorize['stream'] = () =>
    new Promise<boolean>(resolve => {
      answer = resolve
    })
  const [server, client] = await both(t, { authorize: { stream, maxPending: 1 } })
  const first = exchange(client, server)
  while (answer === undefined) await turn()
  t.like(await refusal(client.getStream(server.address(), Echo)), { code: 'ERR_BUSY' })
  answer(true)
  t.is(await first, 'hello')
})

test('many concurrent streams are authorized one by one', async t => {
  let asked = 0
  const [server, client] = await both(t, { authorize: { peer: () => true, stream: () => asked++ % 2 === 0 } })
  await client.connect(server.address())
  const answers = await Promise.allSettled(Array.from({ length: 200 }, () => exchange(client, server)))
  t.is(answers.filter(({ status }) => status === 'fulfilled').length, 100)
  t.is(asked, 200)
})

test('an allow list rejects everyone else without calling authorize', async t => {
  const [friend, stranger] = [await endpoint(t), await endpoint(t)]
  const asked: string[] = []
  const server = await endpoint(t, { allow: [friend.publicKey], authorize: { peer: id52 => asked.push(id52) > 0 } })
  server.listen([[Echo, echo]])
  t.is(await exchange(friend, server), 'hello')
  t.like(await refusal(exchange(stranger, server)), { code: 'ERR_UNAUTHORIZED' })
  t.deepEqual(asked, [friend.id52])
  t.deepEqual(server.access.lists, { allow: [friend.id52], deny: [] })
})

test('a change of the lists disconnects peers that lose access', async t => {
  const [server, client] = await both(t, {})
  const stream = await client.getStream(server.address(), Echo)
  server.access.deny(client.id52)
  t.like(await refusal(stream.nextString()), { code: 'ERR_UNAUTHORIZED', errorCode: 0x104 })
  t.like(await refusal(exchange(client, server)), { code: 'ERR_UNAUTHORIZED' })
  t.deepEqual(server.access.lists, { allow: null, deny: [client.id52] })

  server.access.allow(client.publicKey)
  t.is(await exchange(client, server), 'hello')
  t.deepEqual(server.access.lists, { allow: null, deny: [] })

  server.access.set({ allow: [] })
  t.like(await refusal(exchange(client, server)), { code: 'ERR_UNAUTHORIZED' })
  server.access.allow([client.address()])
  t.is(await exchange(client, server), 'hello')

  server.access.set({ deny: [client.id52] })
  t.like(await refusal(exchange(client, server)), { code: 'ERR_UNAUTHORIZED' })
  t.deepEqual(server.access.lists, { allow: [client.id52], deny: [client.id52] })
  server.access.set({ allow: null, deny: [] })
  t.is(await exchange(client, server), 'hello')
})

test('streams on outgoing connections are authorized too', async t => {
  const asked: unknown[] = []
  const dialler = await endpoint(t, { authorize: { peer: id52 => asked.push(id52) < 0 } })
  dialler.listen([[Echo, echo]])
  const other = await endpoint(t)
  const incoming = other.accept()
  await using connection = await dialler.connect(other.address())
  const { value: back } = await incoming.next()
  if (back === undefined) return t.fail('no connection came')
  t.like(await refusal(back.openBi(Echo)), { code: 'ERR_UNAUTHORIZED', remoteCode: 'unauthorized' })
  t.like(await refusal(back.openBi(Echo)), { code: 'ERR_UNAUTHORIZED', remoteCode: 'unauthorized' })
  t.deepEqual(asked, [other.id52])
  t.true(connection.stats().streams > 0)
})

test('any thrown value is a rejection, and ends nothing else', async t => {
  const things = [Object.create(null), new Proxy(new Error('no'), { get: () => thrown() }), Symbol('no'), undefined]
  const [server, client] = await both(t, {
    authorize: {
      stream() {
        throw things.shift()
      }
    }
  })
  while (things.length > 0) t.is((await refusal(exchange(client, server))).code, 'ERR_UNAUTHORIZED')
  // A failure to report it would be an unhandled rejection.
  await turn()
})

function thrown(): never {
  throw new Error('not even this can be asked')
}

test('rejects invalid options immediately', async t => {
  const bind = (options: object) => getEndpoint(SecretKey.generate(), { network: 'loopback', ...options })
  const wrong: [object, FastnNetErrorCode, string][] = [
    [{ authorize: true }, 'ERR_INVALID_ARGUMENT', 'options.authorize'],
    [{ authorize: { peer: true } }, 'ERR_INVALID_ARGUMENT', 'options.authorize.peer'],
    [{ authorize: { timeout: -1 } }, 'ERR_INVALID_ARGUMENT', 'options.authorize.timeout'],
    [{ allow: ['nobody'] }, 'ERR_PEER_ADDRESS', '']
  ]
  for (const [options, code, message] of wrong) {
    const error = await refusal(bind(options))
    t.is(error.code, code)
    t.true(error.message.includes(message), error.message)
  }
  const server = await endpoint(t)
  t.is((await refusal((async () => server.access.deny('nobody'))())).code, 'ERR_PEER_ADDRESS')
})

test('a loop gets no stream that a peer queued before it was denied', async t => {
  const server = await endpoint(t)
  const incoming = server.acceptBi(Echo)
  const [denied, other] = [await endpoint(t), await endpoint(t)]
  for (let count = 0; count < 100; count++) await denied.getStream(server.address(), Echo)
  const first = await incoming.next()
  t.is(first.value?.remoteId52, denied.id52)
  server.access.deny(denied.id52)
  await other.getStream(server.address(), Echo)
  t.is((await incoming.next()).value?.remoteId52, other.id52)
})

test('a callback that throws is an immediate rejection, and a warning without onError', async t => {
  const warnings: (Error & { code?: string })[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const [server, client] = await both(t, {
    authorize: {
      timeout: Number.POSITIVE_INFINITY,
      stream() {
        throw Object.assign(new Error('of the callback'), { code: 'ERR_OF_THIS_TEST' })
      }
    }
  })
  t.is((await refusal(exchange(client, server))).code, 'ERR_UNAUTHORIZED')
  await turn()
  const ours = warnings.filter(({ message }) => message.includes('of the callback'))
  t.is(ours.length, 1)
  t.regex(ours[0]!.message, /^authorize\.stream failed and thus rejected: .*of the callback\. Set authorize\.onError/)
})

test('a failure of onError is a warning about onError, and rejects nothing else', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const calls: unknown[] = []
  const [server, client] = await both(t, {
    authorize: {
      peer() {
        throw new RangeError('of peer')
      },
      onError(...args) {
        calls.push(args)
        throw Object.assign(new Error('of onError'), { code: 'ERR_OF_ON_ERROR' })
      }
    }
  })
  t.is((await refusal(exchange(client, server))).code, 'ERR_UNAUTHORIZED')
  await turn()
  const [[error, id52, protocol]] = calls as [[Error, string, Protocol | null]]
  t.deepEqual([error.message, id52, protocol], ['of peer', client.id52, null])
  t.is(warnings.filter(({ message }) => message.includes('of onError')).length, 1)
})
