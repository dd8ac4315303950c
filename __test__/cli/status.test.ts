// `status`: running commands as lines, as JSON and as a page. Tests in a browser are in status-page.test.ts.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import ava from 'ava'
import { createEndpoint } from 'fastn-net'
import { Cli, cli, eventsOf, folderFor, serving } from './support/cli.js'
import { kill } from './support/transfer.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** Sends a request to a local server, over TCP or a Unix socket. Unlike `fetch`, sends any Host. */
async function ask(options: object): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return await new Promise((resolve, reject) => {
    const asked = request({ agent: false, ...options }, async response => {
      resolve({ status: response.statusCode ?? 0, headers: response.headers, body: await text(response) })
    })
    asked.once('error', reject)
    asked.end()
  })
}

test('a running command is shown with its services, peers and requests', async t => {
  const env = { XDG_RUNTIME_DIR: folderFor(t) }
  const folder = folderFor(t)
  writeFileSync(join(folder, 'hello.txt'), 'hello')
  const ticket = await serving(t, ['folder', folder, '--public', '--service', 'files'], { env })
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await (await endpoint.fetch(ticket, '/hello.txt', { service: 'files' })).text()
  const end = await cli(['status', '--json'], { env })
  t.is(end.code, 0, end.stderr)
  const events = eventsOf(end)
  t.deepEqual(
    events.map(({ event }) => event),
    ['process', 'service', 'request', 'peer']
  )
  const [program, service, asked, peer] = events
  t.like(program, { command: 'folder', services: 1, peers: 1 })
  t.like(service, { name: 'files', kind: 'folder', address: folder, port: null, connections: 0, pid: program?.pid })
  t.like(asked, { service: 'files', method: 'GET', path: '/hello.txt', status: 200, peer: endpoint.id52 })
  t.like(peer, { peer: endpoint.id52, state: 'connected', path: 'direct', streams: 0, error: null })
  t.true(Number(peer?.rtt) > 0 && Number(peer?.bytesReceived) > 0)
  t.is(typeof peer?.sendRate, 'number')
  const { stdout } = await cli(['status'], { env })
  t.regex(stdout.toString(), /^folder \(\d+\), for \d+ s, ID52 \w{52}\n {2}service files, folder .*, 0 in progress\n/)
  await endpoint.close()
  const ended = eventsOf(await cli(['status', '--json'], { env })).find(({ event }) => event === 'peer')
  t.like(ended, { state: 'idle', error: null }, 'the end of a program is not an error')
})

test('without a running command, status is 1; a killed command is forgotten', async t => {
  const folder = folderFor(t)
  const env = { XDG_RUNTIME_DIR: folder }
  const none = await cli(['status', '--json'], { env })
  t.deepEqual([none.code, eventsOf(none)[0]?.code], [1, 'ERR_NOT_RUNNING'])
  const program = new Cli(['listen', 'Log', '--public', '--json'], { env })
  await program.event('ready')
  while (!readdirSync(join(folder, 'fastn-net')).some(name => name.endsWith('.json'))) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const shown = await cli(['status', '--json'], { env })
  t.like(eventsOf(shown)[0], { event: 'process', command: 'listen', pid: program.child.pid })
  await kill(program, 'SIGKILL')
  t.is((await cli(['status'], { env })).code, 1)
  t.deepEqual(readdirSync(join(folder, 'fastn-net')), [])
})

test('killed programs hide no running one', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = folderFor(t)
  const own = join(folder, 'fastn-net')
  mkdirSync(own, { mode: 0o700 })
  // As if this process had the ids of killed ones.
  for (let count = 0; count < 70; count++) {
    const socket = join(own, `0-${count}.sock`)
    writeFileSync(join(own, `0-${count}.json`), JSON.stringify({ pid: process.pid, socket, token: '' }))
  }
  const env = { XDG_RUNTIME_DIR: folder }
  await serving(t, ['tcp', '1', '--public'], { env })
  while (readdirSync(own).filter(name => name.endsWith('.json')).length < 71) {
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  const shown = eventsOf(await cli(['status', '--json'], { env }))
  t.deepEqual(
    shown.filter(({ event }) => event === 'process').map(({ command }) => command),
    ['tcp']
  )
  t.is(readdirSync(own).length, 2)
})

test('a session that does not exist leaves the folder for temporary files', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = folderFor(t)
  const env = { XDG_RUNTIME_DIR: join(folder, 'gone'), TMPDIR: folder }
  const end = await cli(['status', '--json'], { env })
  t.deepEqual([end.code, eventsOf(end)[0]?.code], [1, 'ERR_NOT_RUNNING'])
  t.deepEqual(readdirSync(folder), [`fastn-net-${process.getuid?.()}`])
})

test('other users cannot read the status, and a request needs the token', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = folderFor(t)
  const own = join(folder, 'fastn-net')
  const bridge = new Cli(['tcp-bridge', 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'], {
    env: { XDG_RUNTIME_DIR: folder }
  })
  t.teardown(() => kill(bridge, 'SIGKILL'))
  await bridge.line()
  const isRegistered = () => existsSync(own) && readdirSync(own).some(name => name.endsWith('.json'))
  while (!isRegistered()) await new Promise(resolve => setTimeout(resolve, 20))
  t.is(statSync(own).mode & 0o777, 0o700)
  const [file = '', socket = ''] = readdirSync(own).sort()
  for (const name of [file, socket]) t.is(statSync(join(own, name)).mode & 0o777, 0o600)
  const socketPath = join(own, socket)
  const { token } = JSON.parse(readFileSync(join(own, file), 'utf8'))
  const statusOf = async (authorization: string, path = '/') =>
    (await ask({ socketPath, path, headers: { authorization } })).status
  t.is(await statusOf('Bearer 0'), 401)
  t.is(await statusOf(''), 401)
  t.is(await statusOf(`Bearer ${token}`, '/other'), 404)
  t.is(await statusOf(`Bearer ${token}`), 200)
  await kill(bridge, 'SIGTERM')
  t.deepEqual(readdirSync(own), [])
})

test('a folder that others can write to is not used, and the command still runs', async t => {
  if (process.platform === 'win32') return void t.pass()
  const folder = folderFor(t)
  mkdirSync(join(folder, 'fastn-net'))
  chmodSync(join(folder, 'fastn-net'), 0o777)
  const env = { XDG_RUNTIME_DIR: folder }
  const program = new Cli(['receive', folderFor(t), '--public'], { env })
  await program.line()
  let stderr = ''
  for await (const chunk of program.child.stderr ?? []) {
    stderr += chunk
    if (stderr.includes('cannot show')) break
  }
  t.regex(stderr, /'fastn-net status' cannot show this program: .*must be accessible to this user only/)
  await kill(program, 'SIGKILL')
  t.deepEqual(readdirSync(join(folder, 'fastn-net')), [])
  t.is((await cli(['status'], { env })).code, 1)
})

test('only the holder of its address can read the page', async t => {
  const env = { XDG_RUNTIME_DIR: folderFor(t) }
  const { id52 } = JSON.parse(await serving(t, ['tcp', '1', '--public', '--json'], { env }))
  const { url } = JSON.parse(await serving(t, ['status', '--web', '--json'], { env }))
  const { port, pathname, search, hash, hostname } = new URL(url)
  t.deepEqual([hostname, pathname, search], ['127.0.0.1', '/', ''])
  t.regex(hash, /^#[0-9a-f]{48}$/)
  const token = hash.slice(1)
  const get = (path: string, headers: object = {}, method = 'GET') =>
    ask({ host: '127.0.0.1', port, path, method, headers })
  for (const path of ['/', '/page.js', '/page.css']) {
    const { status, headers, body } = await get(path, { host: `localhost:${port}` })
    t.is(status, 200)
    t.regex(String(headers['content-security-policy']), /^default-src 'none'; script-src 'self'; style-src 'self'/)
    t.is(headers['set-cookie'], undefined)
    t.false(body.includes(token))
    t.false(/https?:\/\/(?!www\.w3\.org\/2000\/svg)/.test(body), `${path} names another host`)
  }
  for (const path of ['/nothing', '/constructor', `/?token=${token}`]) t.is((await get(path)).status, 404)

  const authorization = `Bearer ${token}`
  const wrong = [undefined, 'Bearer 0', token, `Bearer ${'0'.repeat(48)}`]
  for (const text of wrong) {
    const { status, body } = await get('/status.json', text === undefined ? {} : { authorization: text })
    t.deepEqual([status, body], [401, 'no token, or a wrong one\n'])
  }
  t.is((await get('/status.json', { cookie: `token=${token}` })).status, 401)
  t.is((await get('/status.json', { referer: url })).status, 401)
  // DNS rebinding: the browser resolves the attacker's name to this server.
  for (const host of [`attacker.example:${port}`, '127.0.0.1', `127.0.0.1.attacker.example:${port}`]) {
    t.is((await get('/status.json', { host, authorization })).status, 421, host)
    t.is((await get('/', { host })).status, 421, host)
  }
  for (const origin of ['http://attacker.example', `http://127.0.0.1:${Number(port) + 1}`, 'null']) {
    t.is((await get('/status.json', { origin, authorization })).status, 403, origin)
  }
  t.is((await get('/status.json', { authorization }, 'POST')).status, 405)
  t.is((await get('/status.json', {}, 'OPTIONS')).status, 405)

  const feed = await get('/status.json', { authorization, origin: `http://127.0.0.1:${port}` })
  t.is(feed.headers['content-type'], 'application/json')
  t.is(feed.headers['access-control-allow-origin'], undefined)
  t.like(JSON.parse(feed.body)[0], { command: 'tcp', id52, services: [{ name: 'tcp', address: '127.0.0.1:1' }] })
})

test('options that exclude each other are usage errors', async t => {
  for (const args of [['--web', '--watch'], ['--port', '1'], ['--web', '--port', '99999'], ['extra']]) {
    t.is((await cli(['status', ...args])).code, 2, args.join(' '))
  }
})
