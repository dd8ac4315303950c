// Every public function with arguments of the wrong kind: it accepts them, or fails with a FastnNetError. No other error, no crash.
import { EventEmitter } from 'node:events'
import { runInNewContext } from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import {
  createEndpoint,
  defineService,
  errorCodes,
  FastnNetError,
  Graceful,
  getEndpoint,
  isFastnNetError,
  loadSecretKey,
  type PeerStream,
  Protocol,
  PublicKey,
  readOrCreateSecretKey,
  SecretKey,
  saveSecretKey,
  setLogger
} from 'fastn-net'
import { duplex, httpAgent } from 'fastn-net/node'
import { endpointNames } from '../../dist/modules/endpoint/options.js'
import { bridgeHttpNames, exposeHttpNames } from '../../dist/modules/tunnel/http-options.js'
import {
  bridgeNames,
  bridgeUdpNames,
  exposeNames,
  exposeProxyNames,
  exposeUdpNames,
  proxyNames
} from '../../dist/modules/tunnel/options.js'
import { pair } from '../helpers/pair.js'

/** Option names except socket paths: a bridge would create files with these names. */
const namesOf = (options: object): string[] => Object.keys(options).filter(name => name !== 'path')

const circular: Record<string, unknown> = {}
circular.self = circular
const bad: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  1.5,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  -1n,
  2n ** 70n,
  true,
  '',
  '\ud800',
  'line\nline',
  '\0',
  [],
  [undefined],
  Array(1),
  {},
  circular,
  [circular],
  Object.create(null),
  new Map(),
  Symbol('bad\nsymbol'),
  () => {},
  class {},
  new Proxy({}, {}),
  new Date(Number.NaN),
  new ArrayBuffer(8),
  new DataView(new ArrayBuffer(8)),
  new Uint8Array(new SharedArrayBuffer(8)),
  new Uint16Array(4),
  runInNewContext('[]'),
  { 'bad\nname': 5 },
  { 'bad\nname': () => {} },
  { signal: {} },
  { signal: null },
  { throwIfAborted() {} },
  new EventEmitter()
]

type Call = (value: never) => unknown

/** Calls it with every bad value. A call that takes longer than a moment has accepted its arguments. */
async function attack(t: ExecutionContext, name: string, call: Call): Promise<void> {
  const problems: string[] = []
  for (const [index, value] of bad.entries()) {
    const label = `${name} with value ${index}, ${typeof value}`
    let timer: NodeJS.Timeout | undefined
    const moment = new Promise<void>(resolve => {
      timer = setTimeout(resolve, 20)
    })
    try {
      const outcome = Promise.resolve(call(value as never)).then(result =>
        result === value ? undefined : dispose(result)
      )
      // A later failure must not be an unhandled rejection.
      outcome.catch(() => {})
      await Promise.race([outcome, moment])
    } catch (error) {
      if (!isFastnNetError(error)) problems.push(`${label}: ${String(error)}`)
      else if (!errorCodes.includes(error.code)) problems.push(`${label}: code ${String(error.code)}`)
      else if (/[\n\r]/.test(error.message)) problems.push(`${label}: ${JSON.stringify(error.message)}`)
    } finally {
      clearTimeout(timer)
    }
  }
  t.deepEqual(problems, [])
}

async function dispose(result: unknown): Promise<void> {
  await (result as Partial<AsyncDisposable> | null | undefined)?.[Symbol.asyncDispose]?.()
}

test('functions that need no endpoint', async t => {
  const key = SecretKey.generate()
  const { publicKey } = key
  const graceful = new Graceful()
  const store = { folder: '/dev/null', env: {} }
  const calls: Record<string, Call> = {
    'SecretKey.from': value => SecretKey.from(value),
    'secretKey.sign': value => key.sign(value),
    'PublicKey.from': value => PublicKey.from(value),
    'publicKey.verify, bytes': value => publicKey.verify(value, new Uint8Array(64)),
    'publicKey.verify, signature': value => publicKey.verify(new Uint8Array(1), value),
    'publicKey.equals': value => publicKey.equals(value),
    defineService: value => defineService(value),
    'defineService, method': value => defineService({ method: value }),
    'defineService, options': value => defineService({ method: {} }, value),
    'defineService name': value => defineService({ method: {} }, { name: value }),
    'defineService input': value => defineService({ method: { input: value } }),
    'Protocol.unit': value => Protocol.unit(value),
    'Protocol.generic': value => Protocol.generic(value),
    isFastnNetError: value => isFastnNetError(value, value),
    'new FastnNetError': value => new FastnNetError('ERR_CLOSED', '', value),
    'new Graceful': value => new Graceful(value),
    // A function is called, and may throw anything.
    'graceful.spawn, work': value => typeof value === 'function' || graceful.spawn(value),
    'graceful.spawn, options': value => graceful.spawn(Promise.resolve(), value),
    'loadSecretKey, options': value => loadSecretKey(value),
    'saveSecretKey, key': value => saveSecretKey(value, store),
    'saveSecretKey, options': value => !isGiven(value) || saveSecretKey(key, notEmpty(value)),
    'readOrCreateSecretKey, options': value => !isGiven(value) || readOrCreateSecretKey(notEmpty(value)),
    'setLogger, options': value => setLogger(null, value),
    'getEndpoint, key': value => getEndpoint(value, { network: 'loopback' }),
    'getEndpoint, options': value => getEndpoint(key, value),
    'createEndpoint, options': value => createEndpoint(value),
    // A string is the path of a file that would be created.
    'createEndpoint key': value => typeof value === 'string' || createEndpoint({ key: value }),
    duplex: value => duplex(value)
  }
  for (const name of ['signals', 'timeout', 'onReport', 'exit'])
    calls[`Graceful ${name}`] = value => new Graceful({ [name]: value })
  for (const name of ['folder', 'name', 'keyring', 'env', 'signal', 'id52'])
    calls[`loadSecretKey ${name}`] = value => loadSecretKey({ ...store, [name]: value })
  for (const [name, call] of Object.entries(calls)) await attack(t, name, call)
  for (const name of Object.keys(endpointNames))
    await attack(t, `getEndpoint ${name}`, value => getEndpoint(key, { network: 'loopback', [name]: value }))
  for (const name of ['peer', 'stream', 'timeout', 'maxPending', 'maxPendingPerPeer', 'onError'])
    await attack(t, `getEndpoint authorize.${name}`, value => getEndpoint(key, { authorize: { [name]: value } }))
  for (const name of ['retries', 'minDelay', 'maxDelay', 'attemptTimeout'])
    await attack(t, `getEndpoint connect.${name}`, value => getEndpoint(key, { connect: { [name]: value } }))
  // With `true`, mDNS and port mapping would reach past this machine.
  for (const name of ['relays', 'dns', 'pkarr', 'mdns', 'portMapping', 'bind', 'peers'])
    await attack(
      t,
      `getEndpoint network.${name}`,
      value => value === true || getEndpoint(key, { network: { bind: ['127.0.0.1:0'], [name]: value } })
    )
  for (const name of ['relays', 'bind', 'peers'])
    await attack(t, `getEndpoint network.${name}[0]`, value =>
      getEndpoint(key, { network: { [name]: [value] } as never })
    )
})

test('functions of an endpoint, its connections and streams', async t => {
  await using peers = await pair({ authorize: { peer: () => true } })
  const { client, server } = peers
  const address = server.address()
  const fresh = async () => (await peers.stream())[0]
  const [mine] = await peers.stream()
  const connection = await client.connect(address)
  const service = defineService({ echo: {} })
  const calls: Record<string, Call> = {
    'getStream, peer': value => client.getStream(value, 'Tcp', { timeout: 10 }),
    'getStream, protocol': value => client.getStream(address, value),
    'getStream, options': value => client.getStream(address, 'Tcp', value),
    'getStream, generic': value => client.getStream(address, Protocol.generic(value)),
    'connect, peer': value => client.connect(value, { timeout: 10 }),
    'connect, options': value => client.connect(address, value),
    'ping, peer': value => client.ping(value, { signal: AbortSignal.timeout(10) }).catch(notAborted),
    'ping, options': value => client.ping(address, value),
    'exposeTcp, target': value => client.exposeTcp(value, { allow: 'public' }),
    'exposeTcp, options': value => client.exposeTcp(1, value),
    'bridgeTcp, options': value => client.bridgeTcp(value),
    'exposeUdp, target': value => client.exposeUdp(value, { allow: 'public' }),
    'exposeUdp, options': value => client.exposeUdp(1, value),
    'bridgeUdp, options': value => client.bridgeUdp(value),
    'exposeProxy, options': value => client.exposeProxy(value),
    'exposeProxy, rule': value => client.exposeProxy({ allow: 'public', targets: [value] }),
    'proxy, peer': value => client.proxy(value),
    'proxy, options': value => client.proxy(address, value),
    'socks5, options': value => client.socks5(address, value),
    'whatTimeIsIt, peer': value => client.whatTimeIsIt(value, { timeout: 10 }),
    'whatTimeIsIt, options': value => client.whatTimeIsIt(address, value),
    'serveTime, options': value => client.serveTime(value),
    'keep, peer': value => client.keep(value),
    'keep, options': value => client.keep(address, value),
    'acceptBi, protocols': value => client.acceptBi(value),
    'acceptBi, protocol of a list': value => client.acceptBi([value]),
    'acceptBi, options': value => client.acceptBi('Http', value),
    'accept, options': value => client.accept(value),
    'watch, options': value => client.watch(value),
    'ticket, options': value => client.ticket(value),
    'listen, handlers': value => client.listen(value),
    'listen, handler': value => client.listen({ Http: value }),
    'listen, pair': value => client.listen([value]),
    'listen, protocol of a pair': value => client.listen([[value, () => {}]]),
    'listen, handler of a pair': value => client.listen([['Http', value]]),
    'listen, options': value => client.listen({ Socks5() {} }, value),
    'call, peer': value => client.call(value, 'none', 1, { timeout: 10 }),
    'call, protocol': value => client.call(address, value, 1, { timeout: 10 }),
    'call, input': value => client.call(address, 'none', value, { timeout: 10 }),
    'call, options': value => client.call(address, 'none', 1, value),
    'fetch, peer': value => client.fetch(value, '/', { signal: AbortSignal.timeout(10) }).catch(notAborted),
    'fetch, input': value => client.fetch(address, value, { signal: AbortSignal.timeout(10) }).catch(notAborted),
    'httpAgent, peer': value => void httpAgent(client, value).destroy(),
    'httpAgent, options': value => void httpAgent(client, address, value).destroy(),
    'serve, protocol': value => client.serve(value, () => {}),
    'serve, handler': value => client.serve('Http', value),
    'serve, options': value => client.serve('Socks5', () => {}, value),
    'serve, implementation': value => client.serve(service, value),
    'client, service': value => client.client(value, address),
    'client, peer': value => client.client(service, value).echo(1, { timeout: 10 }),
    'client, options': value => client.client(service, address).echo(1, value),
    'service.protocol': value => service.protocol(value),
    'access.allow': value => client.access.allow(value),
    'access.deny': value => client.access.deny(value),
    'access.set': value => client.access.set(value),
    'access.set allow': value => client.access.set({ allow: value }),
    'access.set deny': value => client.access.set({ deny: value }),
    'access.setPolicy': value => client.access.setPolicy(value),
    'access.setPolicy rules': value => client.access.setPolicy({ rules: value, otherwise: 'allow' }),
    'access.setPolicy rule': value => client.access.setPolicy({ rules: [value], otherwise: 'allow' }),
    'access.setPolicy peers': value =>
      client.access.setPolicy({ rules: [{ peers: value, effect: 'allow' }], otherwise: 'allow' }),
    'access.setPolicy effect': value => client.access.setPolicy({ rules: [{ effect: value }], otherwise: 'allow' }),
    'access.explain, peer': value => client.access.explain(value, 'Echo'),
    'access.explain, protocol': value => client.access.explain(address, value),
    'access.explain, options': value => client.access.explain(address, 'Tcp', value),
    'access.reauthorize': value => client.access.reauthorize(value),
    'connection.openBi, protocol': value => connection.openBi(value, { timeout: 10 }),
    'connection.openBi, options': value => connection.openBi('Tcp', value),
    'connection.acceptBi, protocols': value => connection.acceptBi(value),
    'connection.acceptBi, options': value => connection.acceptBi('Http', value),
    'duplex, options': value => void duplex(mine, value).destroy()
  }
  for (const name of ['signal', 'fallback', 'onError'])
    calls[`listen ${name}`] = value => client.listen({ RigControl() {} }, { [name]: value })
  for (const name of ['signal', 'timeout', 'maxBytes', 'idempotent', 'schema'])
    calls[`call ${name}`] = value => client.call(address, 'none', 1, { [name]: value })
  for (const name of ['service', 'maxHeaderBytes', 'maxBodyBytes', 'redirect', 'integrity', 'timeout'])
    calls[`fetch ${name}`] = value =>
      client.fetch(address, '/', { [name]: value, signal: AbortSignal.timeout(10) }).catch(notAborted)
  for (const name of [
    'signal',
    'onError',
    'maxBytes',
    'maxRequestsPerPeer',
    'maxBytesPerPeer',
    'stack',
    'input',
    'output'
  ])
    calls[`serve ${name}`] = value => client.serve(name, () => {}, { [name]: value })
  for (const name of namesOf(exposeNames))
    calls[`exposeTcp ${name}`] = value => client.exposeTcp(1, { allow: 'public', [name]: value })
  for (const name of namesOf(bridgeNames))
    calls[`bridgeTcp ${name}`] = value => client.bridgeTcp({ peer: address, [name]: value })
  for (const name of namesOf(exposeUdpNames))
    calls[`exposeUdp ${name}`] = value => client.exposeUdp(1, { allow: 'public', [name]: value })
  for (const name of namesOf(bridgeUdpNames))
    calls[`bridgeUdp ${name}`] = value => client.bridgeUdp({ peer: address, [name]: value })
  for (const name of namesOf(exposeProxyNames))
    calls[`exposeProxy ${name}`] = value => client.exposeProxy({ allow: 'public', targets: ['*'], [name]: value })
  for (const name of namesOf(proxyNames)) calls[`proxy ${name}`] = value => client.proxy(address, { [name]: value })
  for (const name of namesOf(exposeHttpNames))
    calls[`exposeHttp ${name}`] = value => client.exposeHttp(1, { allow: 'public', [name]: value })
  for (const name of namesOf(bridgeHttpNames))
    calls[`bridgeHttp ${name}`] = value => client.bridgeHttp({ peer: address, [name]: value })
  for (const name of ['extra', 'signal', 'ack', 'retry', 'timeout'])
    calls[`getStream ${name}`] = value => client.getStream(address, 'Tcp', { [name]: value })
  for (const name of ['id52', 'addresses', 'relays', 'publicKey'])
    calls[`address ${name}`] = value => client.getStream({ ...address, [name]: value }, 'Tcp', { timeout: 10 })
  for (const [name, call] of Object.entries(calls)) await attack(t, name, call)

  // Each on its own stream, because an accepted argument changes the stream.
  for (const [name, call] of Object.entries<(stream: PeerStream) => Call>({
    read: stream => value => stream.read(value),
    'read into': stream => value => stream.read({ into: value }),
    'read signal': stream => value => stream.read({ signal: value }),
    write: stream => value => stream.write(value),
    'write, options': stream => value => stream.write('x', value),
    finish: stream => value => stream.finish(value),
    'finish, options': stream => value => stream.finish('x', value),
    nextString: stream => value => stream.nextString(value),
    nextJson: stream => value => stream.nextJson(value),
    'nextString maxBytes': stream => value => stream.nextString({ maxBytes: value }),
    lines: stream => value => stream.lines(value).next(),
    reset: stream => value => stream.reset(value),
    stop: stream => value => stream.stop(value),
    'writable.write': stream => {
      const writer = stream.writable.getWriter()
      writer.closed.catch(() => {})
      return value => writer.write(value)
    },
    'readable.cancel': stream => value => stream.readable.cancel(value),
    'writable.abort': stream => value => stream.writable.abort(value)
  }))
    await attack(t, `stream ${name}`, call(await fresh()))
  const socket = duplex(await fresh())
  await attack(t, 'duplex setTimeout', value => void socket.setTimeout(value))
  await attack(t, 'duplex setTimeout, listener', value => void socket.setTimeout(0, value))
  socket.destroy()

  const graceful = new Graceful()
  await attack(t, 'graceful.shutdown', value => graceful.shutdown(value))
  await attack(t, 'connection.close, code', value => connection.close(value))
  await attack(t, 'connection.close, reason', value => connection.close(0, value))
  await attack(t, 'endpoint.close', value => client.close(value))
})

/** An abort by the test's own signal is not a failure. */
function notAborted(error: unknown): void {
  if (!(error instanceof DOMException)) throw error
}

function isGiven(value: unknown): boolean {
  return value !== undefined
}

/** Options that would store a key in the current folder get another folder. */
function notEmpty(value: unknown): never {
  const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
  return (isEmpty && !Array.isArray(value) && !(value instanceof Map) ? { folder: '/dev/null' } : value) as never
}
