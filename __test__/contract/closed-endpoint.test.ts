// Every member of every class after close: actions fail with ERR_CLOSED; getters, snapshots and disposal still work. A member that no
// table names is called without arguments, and must fail with ERR_CLOSED.
import test from 'ava'
import {
  type Access,
  Connection,
  defineService,
  type Endpoint,
  isFastnNetError,
  type KeepConnected,
  type Listener,
  PeerStream,
  SecretKey,
  type Tunnel
} from 'fastn-net'
import { Echo, pair } from '../helpers/pair.js'

type Loop = Omit<AsyncIterableIterator<unknown>, 'throw'> & AsyncDisposable & { close(): Promise<void> }
type Member<Class> = { [Name in keyof Class]?: [call: (self: Class) => unknown, expected: unknown] }

const closed = 'ERR_CLOSED'
const end = { done: true, value: undefined }
const anything = Symbol('anything')
const commonMembers: (string | symbol)[] = ['constructor', Symbol.for('nodejs.util.inspect.custom')]
const stranger = SecretKey.generate().id52
const service = defineService({ echo: {} })

const endpoint: Member<Endpoint> = {
  id52: [self => self.id52, anything],
  publicKey: [self => self.publicKey, anything],
  access: [self => self.access, anything],
  getStream: [self => self.getStream(stranger, 'Echo'), closed],
  acceptBi: [self => self.acceptBi('Echo'), closed],
  listen: [self => self.listen({ Echo() {} }).ready, closed],
  call: [self => self.call(stranger, 'Echo'), closed],
  serve: [self => self.serve('Echo', () => {}).ready, closed],
  client: [self => self.client(service, stranger), anything],
  connect: [self => self.connect(stranger), closed],
  ping: [self => self.ping(stranger), closed],
  peers: [self => self.peers(), []],
  metrics: [self => self.metrics(), anything],
  keep: [self => self.keep(stranger), closed],
  drain: [self => self.drain(), undefined],
  fetch: [self => self.fetch(stranger, '/'), closed],
  serveHttp: [self => self.serveHttp(() => new Response()).ready, closed],
  exposeTcp: [self => self.exposeTcp(80, { allow: 'public' }), closed],
  bridgeTcp: [self => self.bridgeTcp({ peer: stranger }), closed],
  exposeUdp: [self => self.exposeUdp(80, { allow: 'public' }), closed],
  bridgeUdp: [self => self.bridgeUdp({ peer: stranger }), closed],
  exposeHttp: [self => self.exposeHttp(80, { allow: 'public' }), closed],
  bridgeHttp: [self => self.bridgeHttp(), closed],
  exposeProxy: [self => self.exposeProxy({ allow: 'public', targets: ['*'] }), closed],
  proxy: [self => self.proxy(stranger), closed],
  socks5: [self => self.socks5(stranger), closed],
  whatTimeIsIt: [self => self.whatTimeIsIt(stranger), closed],
  serveTime: [self => self.serveTime().ready, closed],
  close: [self => self.close(), 0],
  ref: [self => self.ref(), anything],
  unref: [self => self.unref(), anything],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const access: Member<Access> = {
  allow: [self => self.allow(stranger), undefined],
  deny: [self => self.deny(stranger), undefined],
  set: [self => self.set({ deny: [stranger] }), undefined],
  lists: [self => self.lists, anything],
  setPolicy: [self => self.setPolicy({ rules: [] }), undefined],
  policy: [self => self.policy, anything],
  explain: [self => self.explain(stranger, 'Echo'), anything]
}

const connection: Member<Connection> = {
  remoteId52: [self => self.remoteId52, anything],
  alpn: [self => self.alpn, '/fastn-net/1'],
  dialled: [self => self.dialled, anything],
  rtt: [self => self.rtt, null],
  paths: [self => self.paths, []],
  stats: [self => self.stats(), anything],
  acceptBi: [self => self.acceptBi('Echo'), closed],
  openBi: [self => self.openBi('Echo'), closed],
  closed: [async self => (await self.closed).by, 'local'],
  close: [self => self.close(), undefined],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const stream: Member<PeerStream> = {
  protocol: [self => self.protocol, Echo],
  remoteId52: [self => self.remoteId52, anything],
  id: [self => self.id, anything],
  connection: [self => self.connection, closed],
  write: [self => self.write('x'), closed],
  finish: [self => self.finish('x'), closed],
  reset: [self => self.reset(), undefined],
  stop: [self => self.stop(), undefined],
  lines: [self => self.lines().next(), closed],
  writeLine: [self => self.writeLine('x'), closed],
  writeJson: [self => self.writeJson('x'), closed],
  readable: [self => self.readable.getReader().read(), closed],
  writable: [self => self.writable.getWriter().write('x'), closed],
  closed: [self => self.closed, closed],
  signal: [self => self.signal.aborted, anything],
  ref: [self => self.ref(), anything],
  unref: [self => self.unref(), anything],
  close: [self => self.close(), undefined],
  [Symbol.asyncIterator]: [self => self[Symbol.asyncIterator]().next(), closed],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const loop: Member<Loop> = {
  next: [self => self.next(), end],
  return: [self => self.return?.(), end],
  close: [self => self.close(), undefined],
  [Symbol.asyncIterator]: [self => self[Symbol.asyncIterator](), anything],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const listener: Member<Listener> = {
  protocols: [self => self.protocols, [Echo]],
  ready: [self => self.ready, undefined],
  closed: [self => self.closed, undefined],
  close: [self => self.close(), undefined],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const tunnel: Member<Tunnel> = {
  address: [self => self.address, anything],
  port: [self => self.port, anything],
  url: [self => self.url, anything],
  connections: [self => self.connections, 0],
  closed: [self => self.closed, undefined],
  close: [self => self.close(), undefined],
  ref: [self => self.ref(), anything],
  unref: [self => self.unref(), anything],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

const kept: Member<KeepConnected> = {
  id52: [self => self.id52, stranger],
  close: [self => self.close(), undefined],
  [Symbol.dispose]: [self => self[Symbol.dispose](), undefined],
  [Symbol.asyncDispose]: [self => self[Symbol.asyncDispose](), undefined]
}

/** Reads a member, and calls it if it is a method. */
function without(name: string | symbol): (self: object) => unknown {
  return self => {
    const member: unknown = Reflect.get(self, name)
    return typeof member === 'function' ? member.call(self) : member
  }
}

async function outcome(call: () => unknown): Promise<unknown> {
  try {
    return await call()
  } catch (error) {
    return isFastnNetError(error) ? error.code : error
  }
}

/** Names of methods and accessors, including inherited ones. */
function membersOf(prototype: object): (string | symbol)[] {
  const names = new Set<string | symbol>()
  for (let at = prototype; at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Reflect.ownKeys(at)) if (!commonMembers.includes(name)) names.add(name)
  return [...names]
}

test('every member of a closed endpoint and of its objects works or fails with ERR_CLOSED', async t => {
  await using peers = await pair({ authorize: { peer: () => true } })
  const { client, server } = peers
  // A fresh object per call, so that calls do not affect each other.
  const streams: PeerStream[] = []
  const views: Connection[] = []
  for (const _ of membersOf(PeerStream.prototype)) streams.push((await peers.stream())[0])
  for (const _ of membersOf(Connection.prototype)) views.push(await client.connect(server.address()))
  const loops = [client.acceptBi('Http'), client.accept(), client.watch()] as const
  const listening = client.listen({ Echo() {} })
  const keeps = client.keep(stranger)
  const exposed = await client.exposeTcp(80, { allow: 'public' })
  const bridge = await client.bridgeTcp({ peer: stranger })
  // Waiting for `connection.closed` does not keep the process alive.
  const alive = setInterval(() => {}, 1000)
  t.teardown(() => clearInterval(alive))
  await client.close()

  const check = async <Class extends object>(table: Member<Class>, objects: readonly Class[]) => {
    const type: { readonly name: string; readonly prototype: object } = objects[0]!.constructor as never
    const members = membersOf(type.prototype)
    const unknown = Reflect.ownKeys(table).filter(name => !members.includes(name) && !Object.hasOwn(objects[0]!, name))
    t.deepEqual(unknown, [], type.name)
    const names = new Set([...Reflect.ownKeys(table), ...members])
    for (const [index, name] of [...names].entries()) {
      const [call, expected] = table[name as keyof Class] ?? [without(name), closed]
      const got = await outcome(() => call(objects[index % objects.length]!))
      const label = `${type.name}.${String(name)}`
      if (expected === anything) t.false(got instanceof Error || got === closed, label)
      else t.deepEqual(got, expected, label)
    }
  }
  await check(endpoint, [client])
  await check(access, [client.access])
  await check(connection, views)
  await check(stream, streams)
  for (const each of loops) await check(loop, [each as Loop])
  await check(listener, [listening])
  await check(tunnel, [exposed])
  await check(tunnel, [bridge])
  await check(kept, [keeps])
})
