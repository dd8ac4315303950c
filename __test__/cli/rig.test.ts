// Homes of rigs, and the output and effects of their commands, while the rig runs and while it does not.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import ava from 'ava'
import { Cli, cli, eventsOf, folderFor } from './support/cli.js'
import { rig, rigHome, runRig } from './support/rig.js'
import { say, server } from './support/run.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const id52 = /^[0-9a-v]{51}[0g]$/

/** Ids of an account's invitations. */
function invitationsOf(home: string, account: string): string[] {
  const { invitations } = JSON.parse(readFileSync(join(home, 'accounts', account, 'account.json'), 'utf8'))
  return Object.keys(invitations)
}

test("init, status, entities, set-online, set-current and create-account print the original's texts", async t => {
  const home = join(folderFor(t), 'rig')
  const env = { FASTN_HOME: home }
  const before = await cli(['rig', 'status'], { env })
  t.is(before.code, 1)
  t.regex(before.stderr, /is not the home of a rig: create one with fastn-net rig init/)

  const init = await cli(['rig', 'init'], { env })
  t.is(init.code, 0, init.stderr)
  const text = init.stdout.toString()
  t.regex(text, /Rig initialized successfully!/)
  const [, rigId = ''] = /^Rig ID52: (\S+)$/m.exec(text) ?? []
  const [, owner = ''] = /^Owner: (\S+)$/m.exec(text) ?? []
  t.regex(rigId, id52)
  t.regex(owner, id52)
  t.true(existsSync(join(home, '.fastn.lock')))
  t.deepEqual(readdirSync(join(home, 'accounts', owner, 'aliases')), [`${owner}.private-key`])
  if (process.platform !== 'win32') t.is(statSync(join(home, 'rig', 'rig.private-key')).mode & 0o777, 0o600)
  const again = await cli(['rig', 'init'], { env })
  t.is(again.code, 1)
  t.regex(again.stderr, /is the home of a rig already/)

  t.regex((await cli(['rig', 'status'], { env })).stdout.toString(), new RegExp(`^Current entity: ${owner}$`, 'm'))
  const created = await cli(['rig', 'create-account', 'work'], { env })
  const [, work = ''] = /^Account created: (\S+)$/m.exec(created.stdout.toString()) ?? []
  t.regex(work, id52)
  const entities = (await cli(['rig', 'entities'], { env })).lines
  t.deepEqual(
    [...entities].sort(),
    [`${owner} (account) ONLINE current`, `${rigId} (rig) ONLINE`, `${work} (account) work OFFLINE`].sort()
  )
  t.deepEqual((await cli(['rig', 'set-online', owner, 'false'], { env })).lines, [`Set ${owner} to OFFLINE`])
  t.deepEqual((await cli(['rig', 'set-online', 'work', 'true'], { env })).lines, [`Set ${work} to ONLINE`])
  t.deepEqual((await cli(['rig', 'set-current', 'work'], { env })).lines, [`Current entity: ${work}`])
  const events = eventsOf(await cli(['rig', 'entities', '--json'], { env }))
  t.like(
    events.find(event => event.id52 === work),
    { event: 'entity', name: 'work', online: true, current: true }
  )
  t.like(
    events.find(event => event.id52 === owner),
    { online: false, current: false, owner: true }
  )
})

test('every command of a rig has --home', async t => {
  const commands = [
    'init',
    'run',
    'status',
    'entities',
    'create-account',
    'set-online',
    'set-current',
    'invite',
    'accept'
  ]
  for (const command of [...commands, 'add-device', 'forget', 'mail-password', 'import'])
    t.regex((await cli(['rig', command, '--help'])).stdout.toString(), /--home FOLDER/, command)
})

test('wrong arguments are usage errors, unknown names are failures', async t => {
  const home = await rigHome(t)
  const missing = await cli(['rig'])
  t.is(missing.code, 2)
  t.regex(missing.stderr, /a command is missing: One of init, run, status/)
  t.regex((await cli(['rig', 'initt'])).stderr, /unknown command 'initt'\. Did you mean 'init'\?/)
  t.is((await cli(['rig', 'set-online', 'rig', 'yes', '--home', home])).code, 2)
  const [error] = await rig(home, 'set-online', 'work', 'true')
  t.like(error, { event: 'error', code: 'ERR_INVALID_ARGUMENT' })
  t.like((await rig(home, 'create-account', 'rig'))[0], { event: 'error', code: 'ERR_INVALID_ARGUMENT' })
  t.like((await rig(home, 'invite', 'alice'))[0], { event: 'error', code: 'ERR_NOT_RUNNING' })
  const help = await cli(['rig', '--help'])
  t.is(help.code, 0)
  t.regex(help.stdout.toString(), /^ {2}set-online +Bring an identity online/m)
  t.is((await cli(['rig', 'run', '--help'])).code, 0)
})

test('a second run names the process that holds the rig', async t => {
  const home = await rigHome(t)
  const { program } = await runRig(t, home)
  const second = await cli(['rig', 'run', '--home', home])
  t.is(second.code, 1)
  t.regex(second.stderr, new RegExp(`is already running: process ${program.child.pid}, since \\d{4}-`))
  program.kill('SIGKILL')
  await program.ended
  // The system has released the lock.
  await runRig(t, home)
})

test('identities and their services go online and offline while the rig runs', async t => {
  const port = await server(t, 'one')
  const home = await rigHome(t)
  await rig(home, 'create-account', 'work')
  writeFileSync(
    join(home, 'rig.toml'),
    `[services.a]\nkind = "tcp"\ntarget = ${port}\npublic = true\n[services.b]\nkind = "tcp"\nidentity = "work"\ntarget = ${port}\npublic = true\n`
  )
  const { program, identities } = await runRig(t, home)
  t.deepEqual(
    identities.map(({ name }) => name),
    ['rig', null]
  )
  t.like((await rig(home, 'set-online', 'work', 'true'))[0], { event: 'online', name: 'work', applied: true })
  const work = await program.event('identity')
  t.like(work, { name: 'work', running: true })
  t.like(await program.event('reloaded'), { online: [work.id52], offline: [], started: ['b'], stopped: [], kept: 1 })
  // The ticket works, and leads to the service of that account.
  const client = new Cli(['tcp-bridge', String(work.ticket), '--json'])
  t.teardown(() => client.kill('SIGKILL'))
  const socket = connect(Number((await client.event('ready')).port), '127.0.0.1').on('error', () => {})
  t.teardown(() => void socket.destroy())
  t.is(await say(socket, 'hello'), 'one: hello')

  // The current identity determines the access to services without an identity.
  t.like((await rig(home, 'set-current', 'work'))[0], { event: 'error', code: 'ERR_CONFIG' })
  t.like(await program.event('reload-failed'), { code: 'ERR_CONFIG', line: 5 })
  await rig(home, 'set-current', String(identities[1]?.id52))
  t.like(await program.event('reloaded'), { started: [], stopped: [], kept: 2 })
  await rig(home, 'set-online', 'work', 'false')
  t.like(await program.event('reloaded'), { online: [], offline: [work.id52], started: [], stopped: ['b'], kept: 1 })
  const status = await rig(home, 'status')
  t.like(
    status.find(event => event.name === 'work'),
    { event: 'identity', running: false }
  )
  t.is(status.filter(({ event }) => event === 'service').length, 1)
})

test('an invalid file changes nothing and is reported with its line; SIGHUP applies the corrected one', async t => {
  const port = await server(t, 'one')
  const home = await rigHome(t, `[services.a]\nkind = "tcp"\ntarget = ${port}\npublic = true\n`)
  const { program, file } = await runRig(t, home)
  writeFileSync(file, `[services.a]\nkind = "tcp"\ntarget = ${port}\nidentity = "works"\npublic = true\n`)
  const failed = await program.event('reload-failed')
  t.like(failed, { code: 'ERR_CONFIG', line: 4, file })
  t.regex(String(failed.message), /there is no 'works'/)
  const [error] = await rig(home, 'run', '--check')
  t.like(error, { event: 'error', code: 'ERR_CONFIG', line: 4 })
  t.regex(
    String((await rig(home, 'status'))[0]?.applied && JSON.stringify((await rig(home, 'status'))[0]?.applied)),
    /works/
  )
  writeFileSync(file, `network = "lan"\n`)
  t.regex(String((await program.event('reload-failed')).message), /a change of 'network' needs a restart/)
  writeFileSync(file, `[services.b]\nkind = "tcp"\ntarget = ${port}\npublic = true\n`)
  program.kill('SIGHUP')
  t.like(await program.event('reloaded'), { started: ['b'], stopped: ['a'], kept: 0 })
  program.kill('SIGTERM')
  t.is((await program.ended).code, 143)
  t.false(existsSync(join(home, 'rig', 'running.json')))
})

test('a service admits members of a group, by invitation, until they are removed', async t => {
  const port = await server(t, 'one')
  const service = `[services.a]\nkind = "tcp"\ntarget = ${port}\nallow = ["friends"]\n`
  const alice = await runRig(t, await rigHome(t, service))
  const bob = await runRig(t, await rigHome(t))
  writeFileSync(bob.file, `[services.a]\nkind = "tcp-bridge"\npeer = "${alice.owner.ticket}"\n`)
  const { port: local } = await bob.program.event('service')
  const refused = connect(Number(local), '127.0.0.1').on('error', () => {})
  await new Promise<void>(resolve => refused.once('close', () => resolve()))

  const [{ text } = { text: '' }] = (await rig(alice.home, 'invite', 'bob', '--group', 'friends')) as {
    text?: unknown
  }[]
  t.like((await rig(bob.home, 'accept', 'alice', String(text)))[0], { event: 'accepted', alias: 'alice' })
  const socket = connect(Number(local), '127.0.0.1').on('error', () => {})
  t.is(await say(socket, 'hello'), 'one: hello')
  const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
  const [{ id } = { id: '' }] = (await rig(alice.home, 'invite', 'bob', '--group', 'friends')) as { id?: unknown }[]
  t.true(invitationsOf(alice.home, String(alice.owner.id52)).includes(String(id)))
  t.like((await rig(alice.home, 'forget', 'bob'))[0], { event: 'forgotten', kind: 'alias', peer: bob.owner.id52 })
  await closed
  t.deepEqual(invitationsOf(alice.home, String(alice.owner.id52)), [])
  t.pass()
})

test('the owner controls the rig from a device, and no other peer does', async t => {
  const { home, identities, owner, program } = await runRig(t, await rigHome(t))
  const ticket = String(identities.find(({ name }) => name === 'rig')?.ticket)
  const folder = folderFor(t)
  const device = join(folder, 'device.key')
  const { lines } = await cli(['keygen', '--file', device])
  const asking = ['rig', 'status', '--rig', ticket, '--key', device, '--json', '--reload']
  t.like(eventsOf(await cli(asking)).at(-1), { event: 'error', code: 'ERR_UNAUTHORIZED' })
  const leased = [...asking, '--account', String(owner.ticket)]
  t.like(eventsOf(await cli(leased)).at(-1), { event: 'error', code: 'ERR_UNAUTHORIZED' })

  await rig(home, 'add-device', 'laptop', lines[0] ?? '')
  const [reloaded, answer] = eventsOf(await cli(leased))
  t.like(reloaded, { event: 'reloaded', started: [], kept: 0 })
  t.like(answer, { event: 'rig', running: true, id52: identities[0]?.id52 })
  await program.event('reloaded')
  await rig(home, 'forget', 'laptop')
  t.like(eventsOf(await cli(leased)).at(-1), { event: 'error', code: 'ERR_UNAUTHORIZED' })
})

test('health and metrics are served to this machine only', async t => {
  const home = await rigHome(t, '[health]\nport = 0\n')
  const program = new Cli(['rig', 'run', '--home', home, '--json'])
  t.teardown(() => program.kill('SIGKILL'))
  const url = String((await program.event('ready')).health)
  const health = await fetch(`${url}/health`)
  t.deepEqual([health.status, await health.json()], [200, { status: 'ok', identities: 2, services: 0 }])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  t.is(metrics.match(/^# TYPE fastn_net_streams /gm)?.length, 1)
  t.is(metrics.match(/^fastn_net_streams\{endpoint="[0-9a-v]{52}"\} 0$/gm)?.length, 2)
  t.is((await fetch(`${url}/other`)).status, 404)
  t.is((await fetch(`${url}/health`, { method: 'POST' })).status, 405)
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  t.regex(await say(socket, 'GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n'), /^HTTP\/1\.1 421 /)
  socket.destroy()
})

test('status shows the identities of a rig', async t => {
  const folder = folderFor(t)
  const home = await rigHome(t)
  const env = { XDG_RUNTIME_DIR: folder, TMPDIR: folder }
  const { program, identities } = await runRig(t, home, env)
  const events = eventsOf(await cli(['status', '--json'], { env }))
  t.like(events[0], { event: 'process', command: 'rig run', pid: program.child.pid, id52: identities[0]?.id52 })
  t.is(events.filter(({ event }) => event === 'identity').length, 2)
  t.is(readFileSync(join(home, 'rig', 'running.json'), 'utf8').includes(String(program.child.pid)), true)
})
