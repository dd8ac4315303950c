// `run`: services start together, and a changed file is applied without interrupting unchanged services.
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import ava from 'ava'
import { createEndpoint } from 'fastn-net'
import { cli, eventsOf, folderFor } from './support/cli.js'
import { bridge, running, say, server, tcp } from './support/run.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

test('all services of a file run, and Ctrl-C ends them', async t => {
  const [one, two] = [await server(t, 'one'), await server(t, 'two')]
  const folder = folderFor(t)
  mkdirSync(join(folder, 'site'))
  writeFileSync(join(folder, 'site', 'index.html'), 'hello')
  const exposed = await running(
    t,
    `${tcp('one', one)}${tcp('two', two)}[services.site]\nkind = "folder"\nfolder = "${join(folder, 'site')}"\npublic = true`
  )
  const bridges = await running(t, `${bridge(exposed.ticket, 'one')}${bridge(exposed.ticket, 'two')}`)
  for (const name of ['one', 'two']) {
    const { port, address } = await bridges.program.event('service', event => event.name === name)
    t.is(address, `127.0.0.1:${port}`)
    const socket = connect(Number(port), '127.0.0.1')
    t.is(await say(socket, 'hello'), `${name}: hello`)
    socket.destroy()
  }
  await using endpoint = await createEndpoint({ network: 'loopback' })
  t.is(await (await endpoint.fetch(exposed.ticket, '/')).text(), 'hello')
  for (const { program } of [bridges, exposed]) {
    program.kill('SIGINT')
    t.is((await program.ended).code, 130)
  }
})

test('a changed file starts, stops and replaces services; connections of the others continue', async t => {
  const [one, two, three] = [await server(t, 'one'), await server(t, 'two'), await server(t, 'three')]
  const exposed = await running(t, `${tcp('kept', one)}${tcp('replaced', two)}${tcp('removed', two)}`)
  const bridges = await running(
    t,
    ['kept', 'replaced', 'removed', 'added'].map(name => bridge(exposed.ticket, name)).join('')
  )
  const open = async (name: string) => {
    const { port } = await bridges.program.event('service', event => event.name === name)
    return Number(port)
  }
  const ports = {
    kept: await open('kept'),
    replaced: await open('replaced'),
    removed: await open('removed'),
    added: await open('added')
  }
  const kept = connect(ports.kept, '127.0.0.1').on('error', () => {})
  t.is(await say(kept, '1'), 'one: 1')
  const removed = connect(ports.removed, '127.0.0.1').on('error', () => {})
  const ended = new Promise(resolve => removed.once('close', resolve))
  t.is(await say(removed, '1'), 'two: 1')
  writeFileSync(exposed.file, `${tcp('kept', one)}${tcp('replaced', three)}${tcp('added', three)}`)
  const reloaded = await exposed.program.event('reloaded')
  t.like(reloaded, { started: ['replaced', 'added'], stopped: ['removed'], kept: 1 })
  t.is(await say(kept, '2'), 'one: 2')
  await ended
  for (const name of ['replaced', 'added'] as const) {
    const socket = connect(ports[name], '127.0.0.1')
    t.is(await say(socket, '3'), 'three: 3')
    socket.destroy()
  }
  t.is(await say(kept, '4'), 'one: 4')
  kept.destroy()
})

test('an invalid file changes nothing, and is reported', async t => {
  const one = await server(t, 'one')
  const exposed = await running(t, tcp('one', one))
  writeFileSync(exposed.file, tcp('one', one, 'public = true\nallows = 3'))
  const failed = await exposed.program.event('reload-failed')
  t.like(failed, { code: 'ERR_CONFIG', line: 6 })
  writeFileSync(exposed.file, `network = "lan"\n${tcp('one', one)}`)
  t.regex(String((await exposed.program.event('reload-failed')).message), /'network' needs a restart/)
  const { stdout } = await cli(['pipe', exposed.ticket, '--service', 'one'], { stdin: 'hello' })
  t.is(stdout.toString(), 'one: hello')
})

test('if one service cannot be started, the earlier ones run again', async t => {
  const one = await server(t, 'one')
  const exposed = await running(t, tcp('one', one))
  const bridges = await running(t, bridge(exposed.ticket, 'one'))
  const { port } = await bridges.program.event('service')
  const taken = `[services.taken]\nkind = "tcp-bridge"\npeer = "${exposed.ticket}"\nport = ${one}\n`
  // The running service changes, so it is stopped. After it comes a service whose port is in use.
  writeFileSync(bridges.file, `${bridge(exposed.ticket, 'one', Number(port))}${taken}`)
  t.like(await bridges.program.event('reload-failed'), { code: 'ERR_LISTEN' })
  writeFileSync(bridges.file, bridge(exposed.ticket, 'one', Number(port)))
  t.like(await bridges.program.event('reloaded'), { started: ['one'], stopped: [], kept: 0 })
  const socket = connect(Number(port), '127.0.0.1')
  t.is(await say(socket, 'hello'), 'one: hello')
  socket.destroy()
})

test('if a service cannot be started at first, none runs', async t => {
  const one = await server(t, 'one')
  const file = join(folderFor(t), 'fastn-net.toml')
  const peer = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
  writeFileSync(file, `${bridge(peer, 'free')}${bridge(peer, 'taken', one)}`)
  const end = await cli(['run', file, '--json'])
  t.is(end.code, 1)
  t.deepEqual(
    eventsOf(end).map(({ event }) => event),
    ['error']
  )
})

test('errors of the library name the service', async t => {
  const file = join(folderFor(t), 'fastn-net.toml')
  writeFileSync(file, '[services.out]\nkind = "proxy-remote"\ntargets = ["10.0.0.0/99"]\npublic = true\n')
  const [error] = eventsOf(await cli(['run', file, '--json']))
  t.is(error?.code, 'ERR_CONFIG')
  t.regex(String(error?.message), /^cannot start 'out': /)
})

test('SIGHUP applies the file again', async t => {
  if (process.platform === 'win32') return void t.pass()
  const one = await server(t, 'one')
  const exposed = await running(t, tcp('one', one))
  await exposed.program.event('service')
  exposed.program.kill('SIGHUP')
  t.like(await exposed.program.event('reloaded'), { started: [], stopped: [], kept: 1 })
  const { stdout } = await cli(['pipe', exposed.ticket, '--service', 'one'], { stdin: 'hello' })
  t.is(stdout.toString(), 'one: hello')
  exposed.program.kill('SIGTERM')
  t.is((await exposed.program.ended).code, 143)
})

test('peers that no service names are refused, and peers of one service reach no other', async t => {
  const folder = folderFor(t)
  const friend = (await cli(['keygen', '--file', join(folder, 'friend')])).lines[0] ?? ''
  const other = (await cli(['keygen', '--file', join(folder, 'other')])).lines[0] ?? ''
  writeFileSync(join(folder, 'secret.txt'), 'secret')
  const one = await server(t, 'one')
  const exposed = await running(
    t,
    `[services.one]\nkind = "tcp"\ntarget = ${one}\nallow = ["${friend}"]\n` +
      `[services.files]\nkind = "folder"\nfolder = "${folder}"\nallow = ["${other}"]\n`
  )
  const pipe = async (key: string) => {
    const { stdout } = await cli(['pipe', exposed.ticket, '--key', join(folder, key)], { stdin: 'hello' })
    return stdout.toString()
  }
  t.is(await pipe('friend'), 'one: hello')
  t.is(await pipe('other'), '')
  const { code, stdout } = await cli(['pipe', exposed.ticket], { stdin: 'hello' })
  t.deepEqual([code, stdout.length], [1, 0])
})
