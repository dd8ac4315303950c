// `run --check`: the valid contents of a file of services.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { cli, eventsOf, folderFor } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const peer = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

test('a file with every kind of service is valid', async t => {
  const folder = folderFor(t)
  const file = join(folder, 'fastn-net.toml')
  mkdirSync(join(folder, 'photos'))
  writeFileSync(
    file,
    `network = 'internet'
relays = ["https://relay.example.com"]
services.dotted = { kind = "tcp", target = 22, allow = ["${peer}"] }
[services.database]
kind = "tcp"
target = "unix:/run/postgres.sock"
service = "database"
public = true
[services."remote"]
kind = "tcp-bridge"
peer = "${peer}"
port = 5432
[services.dns]
kind = "udp"
target = "192.168.1.1:53"
flow-timeout = "10s"
allow = ["${peer}"]
[services.dns-here]
kind = "udp-bridge"
peer = "${peer}"
[services.way-out]
kind = "proxy-remote"
targets = ["*.example.com:443", "10.0.0.0/8"]
allow = ["${peer}"]
[services.socks]
kind = "socks5"
peer = "${peer}"
port = 1080
[services.photos]
kind = "folder"
folder = "photos"
hidden = true
listing = false
allow = ["${peer}"]
`
  )
  const { code, stdout, lines } = await cli(['run', '--check'], { cwd: folder })
  t.is(code, 0, stdout.toString())
  t.deepEqual(lines, ['fastn-net.toml: 8 services'])
  const [event] = eventsOf(await cli(['run', file, '--check', '--json']))
  t.deepEqual(event, {
    event: 'checked',
    file,
    services: ['dotted', 'database', 'remote', 'dns', 'dns-here', 'way-out', 'socks', 'photos']
  })
})

test('errors name the line, and the nearest valid name', async t => {
  const file = join(folderFor(t), 'services.toml')
  const service = (...lines: string[]) => ['[services.web]', ...lines].join('\n')
  const tcp = (...lines: string[]) => service('kind = "tcp"', 'target = 80', ...lines)
  const cases: [text: string, message: RegExp, line?: number][] = [
    ['', /a service is missing/],
    ['[services', /this is no TOML/, 1],
    ['a = 1\na = 2', /this is no TOML/, 2],
    ['networks = "lan"', /unknown key 'networks'\. Did you mean 'network'\?/, 1],
    ['network = "lann"\n[services.a]', /Did you mean 'lan'\?|'kind' is missing/],
    ['services = 3', /'services' must be a table/, 1],
    [service('target = 80'), /'kind' is missing in \[services\.web\]/, 1],
    [service('kint = "tcp"'), /unknown key 'kint'.*Did you mean 'kind'\?/, 2],
    [service('kind = "tcpp"'), /Did you mean 'tcp'\?/, 2],
    [tcp('allows = ["x"]'), /unknown key 'allows' in \[services\.web\]\. Did you mean 'allow'\?/, 4],
    [tcp(), /who may use it in \[services\.web\]\?/, 2],
    [tcp('allow = []'), /who may use it/, 2],
    [tcp('allow = ["nobody"]'), /'allow' in \[services\.web\] must have an ID52/, 4],
    [tcp('public = "yes"'), /'public' in \[services\.web\] must be true or false/, 4],
    [tcp('public = true', `allow = ["${peer}"]`), /exclude each other/, 4],
    [service('kind = "tcp"', 'target = "no port"', 'public = true'), /'target'.*must be a port/, 3],
    [service('kind = "tcp"', 'target = 99999', 'public = true'), /'target'.*must be a port from 0 to 65535/, 3],
    [service('kind = "tcp"', 'target = "10.0.0.1:99999"', 'public = true'), /'target'.*must be a port/, 3],
    [service('kind = "udp"', 'target = "unix:/x"', 'public = true'), /'target'.*must be a port/, 3],
    [service('kind = "udp"', 'target = 53', 'public = true', 'flow-timeout = "soon"'), /must be a time/, 5],
    [service('kind = "proxy-remote"', 'public = true'), /'targets' is missing/, 2],
    [service('kind = "tcp-bridge"', 'peer = "nobody"'), /'peer'.*must have an ID52/, 3],
    [service('kind = "tcp-bridge"', `peer = "${peer}"`, 'port = 1', 'unix = "x"'), /'unix' excludes/, 5],
    [
      `${tcp('public = true')}\n[services.b]\nkind = "tcp"\ntarget = 81\npublic = true`,
      /'b' and 'web' are both a TCP/,
      5
    ],
    ['relays = ["ftp://x"]\n[services.a]\nkind = "tcp"\ntarget = 1\npublic = true', /'relays' must have URLs/, 1]
  ]
  for (const [text, message, line] of cases) {
    writeFileSync(file, text)
    const { code, lines } = await cli(['run', file, '--check', '--json'])
    t.is(code, 1, text)
    const error = JSON.parse(lines.at(-1) ?? '')
    t.is(error.code, 'ERR_CONFIG', text)
    t.regex(error.message, message)
    if (line !== undefined) t.is(error.line, line, text)
    t.is(error.file, file)
  }
})

test('a file that cannot be read is an error', async t => {
  const folder = folderFor(t)
  const { code, stderr } = await cli(['run'], { cwd: folder })
  t.is(code, 1)
  t.is(stderr, "fastn-net run: cannot read the file 'fastn-net.toml': ENOENT\n")
  t.is((await cli(['run', folder, '--check'])).code, 1)
})

if (process.platform !== 'win32') {
  test('a FIFO is rejected without waiting for it', async t => {
    const fifo = join(folderFor(t), 'fifo')
    execFileSync('mkfifo', [fifo])
    const config = await cli(['run', '--check', fifo])
    t.is(config.code, 1)
    t.regex(config.stderr, /fifo' is not a file/)
    const aliases = await cli(['http-bridge', '--aliases', fifo])
    t.is(aliases.code, 2)
    t.regex(aliases.stderr, /fifo' is not a file/)
  })
}

test('the line of an error is found at once after a long line of spaces', async t => {
  const file = join(folderFor(t), 'services.toml')
  writeFileSync(file, `x = """\n${' '.repeat(60_000)}\n"""\n  networks = "lan"\n`)
  const { code, lines } = await cli(['run', file, '--check', '--json'])
  t.is(code, 1)
  t.is(JSON.parse(lines.at(-1) ?? '').line, 1)
})
