// A misspelt option must not mean its default: `{ alow: [] }` would let everyone in.
import test from 'ava'
import {
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
})

test('an option that resembles no known one is answered with those that are known', async t => {
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
  // The stream is as it was: nothing was written, ended or stopped.
  await mine.write('still open')
})

test('what a Promise reports is never thrown', async t => {
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

test('a known option may be undefined, and an object may inherit what it likes', async t => {
  await using peers = await pair({ allow: undefined, connect: undefined, authorize: undefined })
  class Mine {
    signal = undefined
    get more() {
      return 'of no concern'
    }
  }
  await peers.stream()
  const inherits = Object.assign(Object.create({ whatever: 1 }), { timeout: undefined })
  t.is(typeof (await peers.client.ping(peers.server.address(), new Mine())), 'number')
  const connection = await peers.client.connect(peers.server.address(), inherits)
  t.is(connection.remoteId52, peers.server.id52)
})
