// A misspelt option must not be ignored: `{ alow: [] }` would admit every peer.
import { runInNewContext } from 'node:vm'
import test from 'ava'
import {
  createEndpoint,
  Graceful,
  getEndpoint,
  isFastnNetError,
  loadSecretKey,
  readOrCreateSecretKey,
  SecretKey,
  saveSecretKey,
  setLogger
} from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { endpointNames } from '../../dist/modules/endpoint/options.js'
import { pair, turn } from '../helpers/pair.js'

const rejection = async (call: () => unknown): Promise<string> => {
  try {
    await call()
  } catch (error) {
    return isFastnNetError(error, 'ERR_INVALID_ARGUMENT') ? error.message : `another error: ${error}`
  }
  return 'nothing was thrown'
}

test('getEndpoint rejects an unknown option and names the nearest known one', async t => {
  const key = SecretKey.generate()
  const loopback = { network: 'loopback' }
  const cases: [object, RegExp][] = [
    [{ ...loopback, networkOfPeers: 'loopback' }, /did you mean 'network'\?/],
    [{ ...loopback, alow: [] }, /unknown option 'alow': did you mean 'allow'\?/],
    [{ netwrok: 'loopback' }, /unknown option 'netwrok': did you mean 'network'\?/],
    [{ ...loopback, maxstreams: 5 }, /did you mean 'maxStreams'\?/],
    [{ ...loopback, alow: undefined }, /did you mean 'allow'\?/],
    [{ ...loopback, authorize: { pear: () => true } }, /'pear' in options\.authorize: did you mean 'peer'\?/],
    [{ ...loopback, connect: { retrys: 1 } }, /'retrys' in options\.connect: did you mean 'retries'\?/],
    [{ network: { mdsn: true } }, /'mdsn' in options\.network: did you mean 'mdns'\?/],
    [{ network: { relays: [{ url: 'https://r', tokn: 'x' }] } }, /'tokn' in options\.network\.relays\[0\].*'token'/],
    [{ network: { dns: { origin: 'o', sever: '1.1.1.1:53' } } }, /'sever' in options\.network\.dns.*'server'/],
    [{ ...loopback, constructor: 1 }, /unknown option 'constructor'/],
    [{ ...loopback, toString: 1 }, /unknown option 'toString'/]
  ]
  for (const [options, message] of cases) t.regex(await rejection(() => getEndpoint(key, options as never)), message)
  t.regex(await rejection(() => createEndpoint({ ...loopback, keyfile: 'my.key' } as never)), /did you mean 'key'\?/)
})

test('an option unlike any known one is rejected with a list of the known ones', async t => {
  await using peers = await pair()
  const message = await rejection(() => peers.client.ping(peers.server.id52, { xyzzy: 1 } as never))
  t.is(message, "unknown option 'xyzzy': the only option is 'signal'")
  const several = await rejection(() => peers.client.close({ xyzzy: 1 } as never))
  t.is(several, "unknown option 'xyzzy': options are 'signal', 'timeout'")
})

test('every call rejects unknown options before it does anything', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const { client, server } = peers
  const address = server.address()
  const wrong = { singal: undefined } as never
  const calls: [() => unknown, string][] = [
    [() => createEndpoint({ closeTimout: 1 } as never), 'closeTimeout'],
    [() => new Graceful({ exits: true } as never), 'exit'],
    [() => client.getStream(address, 'Http', wrong), 'signal'],
    [() => client.getStream(address, 'Http', { akc: 'later' } as never), 'ack'],
    [() => mine.connection.openBi('Http', wrong), 'signal'],
    [() => mine.connection.acceptBi('Http', wrong), 'signal'],
    [() => client.listen({}, { onerror: () => {} } as never), 'onError'],
    [() => client.acceptBi('Http', wrong), 'signal'],
    [() => client.accept(wrong), 'signal'],
    [() => client.connect(address, { timeuot: 1 } as never), 'timeout'],
    [() => client.ping(address, wrong), 'signal'],
    [() => client.keep(address, wrong), 'signal'],
    [() => client.watch(wrong), 'signal'],
    [() => client.ticket({ timout: 1 } as never), 'timeout'],
    [() => client.close({ timout: 1 } as never), 'timeout'],
    [() => client.listen({ Echo() {} }).close({ timout: 1 } as never), 'timeout'],
    [() => client.access.set({ dney: [] } as never), 'deny'],
    [() => mine.read(wrong), 'signal'],
    [() => mine.read({ intoo: new Uint8Array(9) } as never), 'into'],
    [() => mine.write('x', wrong), 'signal'],
    [() => mine.finish('x', wrong), 'signal'],
    [() => mine.nextString({ maxbytes: 1 } as never), 'maxBytes'],
    [() => mine.nextJson({ maxbytes: 1 } as never), 'maxBytes'],
    [() => mine.lines({ maxbytes: 1 } as never), 'maxBytes'],
    [() => new Graceful({ signal: true } as never), 'signals'],
    [() => new Graceful().spawn(Promise.resolve(), { nmae: 'x' } as never), 'name'],
    [() => new Graceful().shutdown({ timout: 1 } as never), 'timeout'],
    [() => loadSecretKey({ foldr: '.' } as never), 'folder'],
    [() => readOrCreateSecretKey({ nam: 'x' } as never), 'name'],
    [() => saveSecretKey(SecretKey.generate(), { keyrnig: true } as never), 'keyring'],
    [() => setLogger(null, { fliter: 'info' } as never), 'filter'],
    [() => duplex(mine, { highWaterMark: 1 } as never), 'readableHighWaterMark']
  ]
  for (const [call, name] of calls) {
    t.regex(await rejection(call), new RegExp(`unknown option '.*'( in lists)?: .*'${name}'`), call.toString())
  }
  await turn()
  // The stream is unchanged: not written, finished or stopped.
  await mine.write('still open')
})

test('calls that return a promise never throw', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const wrong = { singal: undefined } as never
  for (const call of [
    () => peers.client.getStream(peers.server.id52, 'Http', wrong),
    () => mine.connection.openBi('Http', wrong),
    () => mine.read(wrong),
    () => mine.write('x', wrong),
    () => mine.finish('x', wrong),
    () => mine.nextString(wrong)
  ]) {
    let promise: unknown
    t.notThrows(() => {
      promise = call()
    }, call.toString())
    await t.throwsAsync(promise as Promise<unknown>, { code: 'ERR_INVALID_ARGUMENT' })
  }
})

test('known options may be undefined, and options may have no prototype', async t => {
  await using peers = await pair({ allow: undefined, connect: undefined, authorize: undefined })
  await peers.stream()
  const bare = Object.assign(Object.create(null), { timeout: undefined })
  const connection = await peers.client.connect(peers.server.address(), bare)
  t.is(connection.remoteId52, peers.server.id52)
  const foreign = runInNewContext('({ signal: undefined })') as object
  t.is(typeof (await peers.client.ping(peers.server.address(), foreign)), 'number')
})

test('options must be a plain object', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const { client, server } = peers
  class Policy {
    pear() {
      return true
    }
  }
  const kinds: [object, RegExp][] = [
    [[], /not an array$/],
    [new Map(), /not an instance of Map$/],
    [new Policy(), /not an instance of Policy$/],
    [Object.create({ singal: 1 }), /not an object that inherits$/],
    [Object.create(Object.assign(Object.create(null), { singal: 1 })), /not an object that inherits$/],
    [new AbortController().signal, /not an instance of AbortSignal: write \{ signal \}$/],
    [() => {}, /not a function$/]
  ]
  for (const [given, message] of kinds) {
    const wrong = given as never
    for (const call of [
      () => getEndpoint(SecretKey.generate(), wrong),
      () => getEndpoint(SecretKey.generate(), { network: 'loopback', authorize: wrong }),
      () => getEndpoint(SecretKey.generate(), { network: 'loopback', connect: wrong }),
      () => client.getStream(server.id52, 'Http', wrong),
      () => client.access.set(wrong),
      () => mine.read(wrong),
      () => mine.write('', wrong),
      () => mine.lines(wrong),
      () => new Graceful(wrong),
      () => loadSecretKey(wrong),
      () => duplex(mine, wrong)
    ]) {
      const said = await rejection(call)
      t.regex(said, message, call.toString())
      t.regex(said, /^(options|options\.authorize|options\.connect|lists) must be /)
    }
  }
})

test.serial('rejects an option on Object.prototype, and ignores other names there', async t => {
  await using peers = await pair()
  const put = (name: string) =>
    Object.defineProperty(Object.prototype, name, { value: 5, enumerable: true, configurable: true })
  const root = Object.prototype as { whatever?: unknown; timeout?: unknown }
  // Calls check options synchronously, so no other code runs while the names exist.
  put('whatever')
  const ignored = peers.client.close({})
  delete root.whatever
  put('timeout')
  const refused = rejection(() => peers.server.close({}))
  delete root.timeout
  t.is(await ignored, 0)
  const said = await refused
  t.is(said, "option 'timeout' is on Object.prototype, where every call would read it: delete it there")
})

test('null is neither a limit nor a network', async t => {
  const key = SecretKey.generate()
  for (const name of Object.keys(endpointNames))
    t.regex(
      await rejection(() => getEndpoint(key, { network: 'loopback', [name]: null } as never)),
      RegExp(`options.${name}`)
    )
  for (const inner of [
    { connect: { minDelay: null } },
    { connect: { retries: null } },
    { authorize: { timeout: null } },
    { authorize: { maxPending: null } },
    { authorize: { peer: null } }
  ])
    t.regex(
      await rejection(() => getEndpoint(key, { network: 'loopback', ...inner } as never)),
      /options\.(connect|authorize)\.\w+/
    )
})

test('minDelay must not exceed maxDelay', async t => {
  const connect = (connect: object) =>
    rejection(() => getEndpoint(SecretKey.generate(), { network: 'loopback', connect }))
  t.is(
    await connect({ minDelay: 500, maxDelay: 1 }),
    'options.connect.minDelay must be at most options.connect.maxDelay'
  )
})

test('exit needs signals', t => {
  const invalid = { code: 'ERR_INVALID_ARGUMENT', message: /exit/ }
  t.throws(() => new Graceful({ exit: true }), invalid)
  t.throws(() => new Graceful({ signals: true, exit: 1 } as never), invalid)
  t.notThrows(() => new Graceful({ exit: false }))
})
