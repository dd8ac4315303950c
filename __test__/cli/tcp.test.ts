// `tcp`, `tcp-bridge` and `pipe`, as child processes over loopback.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import ava, { type ExecutionContext } from 'ava'
import { Cli, cli, folderFor, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** A TCP server of this process that echoes. Returns its port. */
async function echoServer(
  t: ExecutionContext,
  handle: (socket: Socket) => unknown = socket => socket.pipe(socket)
): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    handle(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return (server.address() as { port: number }).port
}

test('a connection to the bridge reaches the service, with half-closes', async t => {
  const port = await echoServer(t)
  const ticket = await serving(t, ['tcp', String(port), '--public'])
  const address = await serving(t, ['tcp-bridge', ticket])
  t.regex(address, /^127\.0\.0\.1:\d+$/)
  const bytes = randomBytes(2_000_000)
  const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
  socket.end(bytes)
  t.true((await buffer(socket)).equals(bytes))
})

test('services are distinguished by name, over a Unix socket too', async t => {
  if (process.platform === 'win32') return void t.pass()
  const port = await echoServer(t, socket => void socket.end('database\n'))
  const ticket = await serving(t, ['tcp', `127.0.0.1:${port}`, '--service', 'database', '--public', '--json'])
  const peer = JSON.parse(ticket).ticket
  const path = join(folderFor(t), 'socket')
  t.is(await serving(t, ['tcp-bridge', peer, '--service', 'database', '--unix', path]), `unix:${path}`)
  t.is((await buffer(connect(path))).toString(), 'database\n')
  const other = await cli(['pipe', peer])
  t.is(other.code, 1)
  t.is(other.stdout.length, 0)
})

test('pipe carries stdin and stdout, byte for byte', async t => {
  const ticket = await serving(t, ['tcp', String(await echoServer(t)), '--public'])
  const bytes = randomBytes(3_000_000)
  const { code, stdout, stderr } = await cli(['pipe', ticket], { stdin: bytes })
  t.is(code, 0, stderr)
  t.is(stderr, '')
  t.true(stdout.equals(bytes))
})

test('pipe ends when the service has closed, although stdin is silent', async t => {
  const port = await echoServer(t, socket => {
    socket.end('bye\n')
    socket.destroySoon()
  })
  const ticket = await serving(t, ['tcp', String(port), '--public'])
  const program = new Cli(['pipe', ticket], { stdin: 'open' })
  t.is(await program.line(), 'bye')
  // The service notices the end once a byte for it arrives.
  const nudge = setInterval(() => program.child.stdin?.write('x'), 100)
  const { signal } = await program.ended
  clearInterval(nudge)
  t.is(signal, null)
})

test('a reset of the service is a failure of pipe', async t => {
  const port = await echoServer(t, socket => socket.resetAndDestroy())
  const ticket = await serving(t, ['tcp', String(port), '--public'])
  const { code, stderr } = await cli(['pipe', ticket], { stdin: 'hello' })
  t.is(code, 1)
  t.regex(stderr, /^fastn-net pipe: /)
})

test('a peer that is not allowed reaches no service', async t => {
  const folder = folderFor(t)
  const friend = (await cli(['keygen', '--file', join(folder, 'friend')])).lines[0] ?? ''
  const ticket = await serving(t, ['tcp', String(await echoServer(t)), '--allow', friend])
  const refused = await cli(['pipe', ticket], { stdin: 'hello' })
  t.is(refused.code, 1)
  t.is(refused.stdout.length, 0)
  const allowed = await cli(['pipe', ticket, '--key', join(folder, 'friend')], { stdin: 'hello' })
  t.is(allowed.stdout.toString(), 'hello')
})

test('wrong targets, ports and peers are usage errors', async t => {
  const nobody = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
  const cases = [
    ['tcp', '22'],
    ['tcp', 'no port here', '--public'],
    ['tcp', '99999', '--public'],
    ['tcp', '0', '--public'],
    ['tcp', 'localhost:0', '--public'],
    ['tcp-bridge', nobody, '99999'],
    ['tcp-bridge', nobody, 'x'],
    ['tcp-bridge', 'nobody', '0'],
    ['tcp-bridge', nobody, '1', '--unix', 'x'],
    ['pipe', nobody, '--json']
  ]
  for (const args of cases) {
    const { code, stderr } = await cli(args)
    t.is(code, 2, `${args.join(' ')}: ${stderr}`)
  }
})

test('a port in use is an error of tcp-bridge', async t => {
  const nobody = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
  const { code, stderr } = await cli(['tcp-bridge', nobody, String(await echoServer(t))])
  t.is(code, 1)
  t.regex(stderr, /^fastn-net tcp-bridge: .*127\.0\.0\.1/)
})

test('Ctrl-C ends tcp and tcp-bridge', async t => {
  if (process.platform === 'win32') return void t.pass()
  const exposed = new Cli(['tcp', '1', '--public'])
  const bridge = new Cli(['tcp-bridge', await exposed.line()])
  await bridge.line()
  for (const program of [bridge, exposed]) {
    program.kill('SIGINT')
    t.is((await program.ended).code, 130)
  }
})

test('both sides log why a client was reset', async t => {
  const exposed = new Cli(['tcp', '1', '--public'])
  const bridge = new Cli(['tcp-bridge', await exposed.line()])
  const port = Number((await bridge.line()).split(':')[1])
  for (let count = 0; count < 2; count++) await buffer(connect(port, '127.0.0.1')).catch(() => {})
  for (const program of [bridge, exposed]) program.kill('SIGTERM')
  t.regex((await exposed.ended).stderr, /^cannot connect to the target 127\.0\.0\.1:1: .*refused/im)
  // Logged once, although it happened twice.
  t.regex((await bridge.ended).stderr, /^a client's connection was reset: .*not reachable.*\n$/)
})
