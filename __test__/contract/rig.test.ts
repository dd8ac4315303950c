// Rigs in a program: one change at a time, complete or not at all, and control of a rig.
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint, SecretKey } from 'fastn-net'
import { holdLease, memoryStore, openAccount } from 'fastn-net/account'
import {
  createAccount,
  initRig,
  type Rig,
  type RigConfig,
  RigConfigError,
  reloadRig,
  rigEntities,
  rigStatus,
  setCurrent,
  setOnline,
  startRig
} from 'fastn-net/rig'

const network = 'loopback'

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-rig-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function started(
  t: ExecutionContext,
  config: RigConfig = {}
): Promise<{ rig: Rig; home: string; owner: string }> {
  const home = folderFor(t)
  const { owner } = await initRig({ home })
  const rig = await startRig({ network, ...config }, { home })
  t.teardown(() => rig.close({ timeout: 0 }))
  return { rig, home, owner }
}

async function peer(t: ExecutionContext, key?: SecretKey): Promise<Endpoint> {
  const endpoint = await createEndpoint({ network, ...(key !== undefined && { key }) })
  t.teardown(() => endpoint.close({ timeout: 0 }))
  return endpoint
}

/** A TCP server that echoes. Returns its port. */
async function echo(t: ExecutionContext): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket.on('error', () => {}))
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as { port: number }).port
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [data] = await once(socket, 'data')
  return String(data)
}

test('a home has its keys and owner, and is initialized once', async t => {
  const home = folderFor(t)
  const { id52, owner, current, entities } = await initRig({ home })
  t.is(current, owner)
  t.deepEqual(entities, [
    { id52, kind: 'rig', account: null, name: 'rig', online: true },
    { id52: owner, kind: 'account', account: owner, name: null, online: true }
  ])
  const secret = readFileSync(join(home, 'accounts', owner, 'aliases', `${owner}.private-key`), 'utf8').trim()
  t.is(SecretKey.from(secret).id52, owner)
  await t.throwsAsync(initRig({ home }), { code: 'ERR_FILE', message: /already/ })
  await t.throwsAsync(rigEntities({ home: join(home, 'none') }), { code: 'ERR_FILE', message: /rig init/ })
  await t.throwsAsync(startRig({}, { home: join(home, 'none') }), { code: 'ERR_FILE' })
})

test('concurrent changes of the state by several programs are all kept', async t => {
  const home = folderFor(t)
  await initRig({ home })
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  await Promise.all(names.map(name => createAccount({ home, name })))
  await Promise.all(names.map(name => setOnline(name, true, { home })))
  const { entities } = await rigEntities({ home })
  t.deepEqual(
    entities
      .filter(({ name, online }) => online && name !== null && name !== 'rig')
      .map(({ name }) => name)
      .sort(),
    names
  )
  await t.throwsAsync(createAccount({ home, name: 'a' }), { code: 'ERR_INVALID_ARGUMENT', message: /taken/ })
})

test('a damaged state is an error and is not changed', async t => {
  const home = folderFor(t)
  await initRig({ home })
  const file = join(home, 'rig', 'state.json')
  writeFileSync(file, '{"format":"fastn-net rig"')
  await t.throwsAsync(startRig({}, { home }), { code: 'ERR_FILE', message: /damaged/ })
  await t.throwsAsync(setOnline('rig', false, { home }), { code: 'ERR_FILE' })
  t.is(readFileSync(file, 'utf8'), '{"format":"fastn-net rig"')
})

test('only one process can run a rig; the error names it', async t => {
  const { rig, home } = await started(t)
  await t.throwsAsync(startRig({ network }, { home }), {
    code: 'ERR_BUSY',
    message: new RegExp(`is already running: process ${process.pid}, since`)
  })
  await rig.close()
  t.false(existsSync(join(home, 'rig', 'running.json')))
  const next = await startRig({ network }, { home })
  await next.close()
  await t.throwsAsync(next.reload(), { code: 'ERR_CLOSED' })
})

test('an invalid configuration names the place and starts nothing', async t => {
  const home = folderFor(t)
  await initRig({ home })
  const cases: [config: unknown, path: string[], message: RegExp][] = [
    [{ service: {} }, ['service'], /Did you mean 'services'\?/],
    [{ services: { web: { kind: 'tcpp' } } }, ['services', 'web', 'kind'], /Did you mean 'tcp'\?/],
    [{ services: { web: { kind: 'tcp', target: 1 } } }, ['services', 'web', 'kind'], /who may use it/],
    [
      { services: { web: { kind: 'tcp', target: 1, public: true, identity: 'x' } } },
      ['services', 'web', 'identity'],
      /there is no 'x'/
    ],
    [{ health: {} }, ['health', 'port'], /'port' is missing/],
    [{ services: { web: { kind: 'tcp', target: '', public: true } } }, ['services', 'web', 'target'], /is empty/],
    [{ network: 'moon' }, ['network'], /must be one of internet, lan, loopback/],
    [[], [], /must be an object/]
  ]
  for (const [config, path, message] of cases) {
    const error = await t.throwsAsync(startRig(config as RigConfig, { home }), { instanceOf: RigConfigError, message })
    t.deepEqual(error.path, path)
    t.is(error.code, 'ERR_INVALID_ARGUMENT')
  }
  // The lock was released each time.
  await (await startRig({ network }, { home })).close()
})

test('a change that fails midway keeps identities, services and connections', async t => {
  const [target, busy] = [await echo(t), await echo(t)]
  const { rig, home, owner } = await started(t, {
    services: { one: { kind: 'tcp', target, public: true } },
    health: { port: 0 }
  })
  await createAccount({ home, name: 'work' })
  await setOnline('work', true, { home })
  const client = await peer(t)
  const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
  const { port } = await client.bridgeTcp({ peer: ticket })
  const socket = connect(port ?? 0, '127.0.0.1')
  t.is(await say(socket, '1'), '1')
  const before = rig.status()
  const config = {
    network,
    health: { port: 0, host: '127.0.0.1', names: ['x'] },
    services: {
      one: { kind: 'tcp', target, public: true, service: 'renamed' },
      two: { kind: 'tcp-bridge', peer: client.id52, port: busy }
    }
  } as const
  await t.throwsAsync(rig.reload(config), { code: 'ERR_LISTEN', message: /cannot start 'two'/ })
  await t.throwsAsync(rig.reload({ network, health: { port: busy } }), { code: 'ERR_LISTEN', message: /\[health\]/ })
  const after = rig.status()
  t.deepEqual(
    after.services.map(({ name, ending }) => [name, ending]),
    [['one', false]]
  )
  t.deepEqual(
    after.identities.map(({ running }) => running),
    before.identities.map(() => true)
  )
  t.is(after.identities.length, 2)
  t.is(after.health, before.health)
  t.regex(after.applied.error ?? '', /\[health\]/)
  t.is(await say(socket, '2'), '2')

  const {
    online,
    started: services,
    kept
  } = await rig.reload({ network, services: { one: { kind: 'tcp', target, public: true } } })
  t.deepEqual([online.length, services, kept], [1, [], 1])
  t.is(rig.status().applied.error, null)
  t.is(rig.status().health, null)
  t.is(await say(socket, '3'), '3')
  socket.destroy()
})

test('a service admits peers by name, while its account knows them', async t => {
  const target = await echo(t)
  const { rig, owner } = await started(t, {
    services: { db: { kind: 'tcp', target, allow: ['friends'], service: 'db' } }
  })
  const client = await peer(t)
  const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
  const open = async () => await client.getStream(ticket, { Generic: { fastn: 'tcp', service: 'db' } })
  await t.throwsAsync(open(), { code: 'ERR_UNAUTHORIZED' })
  const account = rig.account(owner)
  await account?.update(draft => {
    draft.aliases.bob = { id52: client.id52 }
    draft.groups.friends = ['bob']
  })
  t.regex(account?.explain('bob', 'Tcp', { service: 'db' }).text ?? '', /allow, by a rule of the program for friends/)
  const stream = await open()
  await stream.write('hi')
  t.is(String(Buffer.from((await stream.read()) ?? [])), 'hi')
  // The service without a name is a different service.
  await t.throwsAsync(client.getStream(ticket, 'Tcp'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  await account?.update(draft => {
    draft.groups.friends = []
  })
  await t.throwsAsync(stream.read(), { code: 'ERR_STREAM_RESET' })
  await t.throwsAsync(open(), { code: 'ERR_UNAUTHORIZED' })
  // A rule of the account precedes those of services.
  await account?.update(draft => {
    draft.groups.friends = ['bob']
    draft.rules = [{ who: 'bob', effect: 'deny' }]
  })
  await t.throwsAsync(open(), { code: 'ERR_UNAUTHORIZED' })
})

test('identities go online and offline, and the current one has the services without identity', async t => {
  const target = await echo(t)
  const config: RigConfig = { network, services: { one: { kind: 'tcp', target, public: true } } }
  const { rig, home, owner } = await started(t, config)
  const { id52: work } = await createAccount({ home, name: 'work' })
  t.is(rig.status().identities.length, 2)
  await rig.reload()
  t.is(rig.endpoint('work'), undefined)
  await setCurrent('work', { home })
  t.deepEqual(await rig.reload(), { online: [], offline: [], started: [], stopped: ['one'], kept: 0 })
  await setOnline('work', true, { home })
  t.deepEqual(await rig.reload(), { online: [work], offline: [], started: ['one'], stopped: [], kept: 0 })
  const client = await peer(t)
  await t.notThrowsAsync(client.getStream((await rig.endpoint('work')?.ticket()) ?? '', 'Tcp'))
  await t.throwsAsync(client.getStream((await rig.endpoint(owner)?.ticket()) ?? '', 'Tcp'), {
    code: 'ERR_UNAUTHORIZED'
  })
  await setOnline(owner, false, { home })
  t.deepEqual(await rig.reload(), { online: [], offline: [owner], started: [], stopped: [], kept: 1 })
  t.is(rig.endpoint(owner), undefined)
  t.throws(() => rig.endpoint('works'), { code: 'ERR_INVALID_ARGUMENT', message: /Did you mean 'work'\?/ })
})

test("only the owner's devices can use RigControl", async t => {
  const { rig, owner } = await started(t)
  const ticket = (await rig.endpoint('rig')?.ticket()) ?? ''
  const stranger = await peer(t)
  await t.throwsAsync(rigStatus(stranger, ticket), { code: 'ERR_UNAUTHORIZED' })
  await t.throwsAsync(reloadRig(stranger, ticket), { code: 'ERR_UNAUTHORIZED' })

  // A peer that the owner's account knows well is not an owner.
  const friend = await peer(t)
  await rig.account(owner)?.update(draft => {
    draft.aliases.friend = { id52: friend.id52 }
    draft.rules = [{ who: 'friend', effect: 'allow' }]
  })
  await t.throwsAsync(rigStatus(friend, ticket), { code: 'ERR_UNAUTHORIZED' })

  // A device of another account shows a lease that the rig does not know.
  const key = SecretKey.generate()
  const other = await peer(t, key)
  const account = await openAccount(other, { store: memoryStore(), key })
  t.teardown(() => account.close())
  await account.addDevice(stranger.id52, { name: 'phone' })
  const foreign = await holdLease(stranger, await other.ticket())
  t.teardown(() => foreign.close())
  await t.throwsAsync(
    foreign.use(ticket, () => rigStatus(stranger, ticket)),
    { code: 'ERR_UNAUTHORIZED' }
  )

  const device = await peer(t)
  await rig.account(owner)?.addDevice(device.id52, { name: 'laptop' })
  const lease = await holdLease(device, (await rig.endpoint(owner)?.ticket()) ?? '')
  t.teardown(() => lease.close())
  const status = await lease.use(ticket, () => rigStatus(device, ticket))
  t.like(status, { id52: rig.id52, owner })
  t.like(await reloadRig(device, ticket), { started: [], kept: 0 })
  await t.throwsAsync(device.call(ticket, 'RigControl', { op: 'stop' }), {
    code: 'ERR_REMOTE',
    message: /'status' or 'reload'/
  })
})

test('a device with a narrower lease cannot control the rig', async t => {
  const { rig, owner } = await started(t)
  const ticket = (await rig.endpoint('rig')?.ticket()) ?? ''
  const device = await peer(t)
  await rig.account(owner)?.addDevice(device.id52, { name: 'phone', scope: ['Chat'] })
  const lease = await holdLease(device, (await rig.endpoint(owner)?.ticket()) ?? '')
  t.teardown(() => lease.close())
  await t.throwsAsync(
    lease.use(ticket, () => rigStatus(device, ticket)),
    { code: 'ERR_UNAUTHORIZED' }
  )
})
