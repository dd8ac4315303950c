// A rig as a systemd service: its notifications, and the unit of the guide.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import ava from 'ava'
import { Cli, cli, folderFor } from './support/cli.js'
import { rigHome } from './support/rig.js'

const test = ava.serial

const has = (name: string) => spawnSync(name, ['--version']).status === 0

// Node.js has no datagram Unix sockets.
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True:
    print(s.recv(4096).decode().replace('\\n', ' '), flush=True)
`

if (process.platform === 'linux' && has('python3'))
  test('systemd is notified of readiness, liveness, reloads and the end', async t => {
    const home = await rigHome(t)
    const socket = join(folderFor(t), 'notify')
    const python = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => python.kill('SIGKILL'))
    const lines = createInterface(python.stdout)[Symbol.asyncIterator]()
    const next = async (wanted: RegExp): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done === true) throw new Error('the listener has ended')
        if (wanted.test(value)) return value
      }
    }
    await next(/bound/)
    const env = { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '200000' }
    const program = new Cli(['rig', 'run', '--home', home, '--json'], { env })
    t.teardown(() => program.kill('SIGKILL'))
    t.is(await next(/READY=1/), 'READY=1 STATUS=2 online, 0 services ')
    t.is(await next(/WATCHDOG/), 'WATCHDOG=1 ')
    await program.event('ready')
    writeFileSync(join(home, 'rig.toml'), 'wrong = 1\n')
    program.kill('SIGHUP')
    t.regex(await next(/RELOADING=1/), /^RELOADING=1 MONOTONIC_USEC=\d+ $/)
    t.regex(await next(/READY=1/), /the last change was rejected: unknown key 'wrong'/)
    program.kill('SIGTERM')
    await next(/STOPPING=1/)
    t.is((await program.ended).code, 143)
  })

if (process.platform === 'linux') {
  test('stderr has priorities if journald reads it', async t => {
    // A shell program whose stderr is a file, which JOURNAL_STREAM identifies.
    const file = join(folderFor(t), 'journal')
    const shell = 'exec 2>"$1"; shift; export JOURNAL_STREAM=$(stat -L -c %d:%i /dev/fd/2); exec "$@"'
    const { code } = await cli(['rig', 'status', '--home', file], { before: ['sh', '-c', shell, 'sh', file] })
    t.is(code, 1)
    const text = spawnSync('cat', [file], { encoding: 'utf8' }).stdout
    t.regex(text, /^<3>fastn-net rig status: /)
  })

  if (has('systemd-analyze'))
    test('systemd accepts the unit of the guide', t => {
      const unit = fileURLToPath(new URL('../../examples/rig/fastn-net.service', import.meta.url))
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })
      t.is(status, 0, stderr)
      t.false(stderr.includes('fastn-net.service'), stderr)
    })
}

test('FASTN_HOME and FASTN_HTTP_PORT configure a rig', async t => {
  const home = await rigHome(t, '[router]\n')
  const program = new Cli(['rig', 'run', '--json'], { env: { FASTN_HOME: home, FASTN_HTTP_PORT: '0' } })
  t.teardown(() => program.kill('SIGKILL'))
  const service = await program.event('service')
  t.like(service, { name: 'router', kind: 'router' })
  const ended = once(program.child, 'exit')
  program.kill('SIGTERM')
  await ended
  const wrong = await cli(['rig', 'run'], { env: { FASTN_HOME: home, FASTN_HTTP_PORT: 'many' } })
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /FASTN_HTTP_PORT must be a port/)
})
