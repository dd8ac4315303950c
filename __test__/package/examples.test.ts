import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const root = fileURLToPath(new URL('../../', import.meta.url))
const env = { ...process.env, FASTN_NET_NETWORK: 'loopback' }
const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

function node(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 90_000
  })
  return { status, stdout, stderr }
}

function startReceiver(): { process: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, ['dist-examples/receiver.js'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  return { process: child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
}

for (const sender of ['sender.js', 'plain.mjs']) {
  test(`receiver and ${sender} of the README exchange messages, and Ctrl-C ends the receiver cleanly`, async t => {
    const { process: receiver, lines } = startReceiver()
    try {
      const ticket: string = (await lines.next()).value
      const sent = node(join('dist-examples', sender), ticket)
      t.deepEqual({ ...sent, stderr: '' }, { status: 0, stdout: 'Response\n', stderr: '' }, sent.stderr)
      t.regex((await lines.next()).value, /^[0-9a-v]{51}[0g] \{ hello: 'world' \}$/)
      if (process.platform === 'win32') return
      const exit = once(receiver, 'exit')
      receiver.kill('SIGINT')
      t.deepEqual(await exit, [0, null])
    } finally {
      receiver.kill('SIGKILL')
    }
  })
}

test('the watcher of the README sees its peer connect and disconnect', async t => {
  const { process: receiver, lines } = startReceiver()
  try {
    const ticket: string = (await lines.next()).value
    const { status, stdout, stderr } = node('dist-examples/watch.js', ticket)
    t.is(status, 0, stderr)
    t.regex(stdout, /^[0-9a-v]{51}[0g] connected direct 127\.0\.0\.1:\d+ /m)
    t.regex(stdout, /^fastn_net_connections\{direction="dialled"\} 1$/m)
    t.regex(stdout, /^[0-9a-v]{51}[0g] gone /m)
  } finally {
    receiver.kill('SIGKILL')
  }
})

const files = {
  'an ordinary file': Buffer.from('one\ntwo\n\nfour, without a newline at the end'),
  'an empty file': Buffer.alloc(0),
  'a binary file': randomBytes(200_000),
  'a file of one long line': Buffer.alloc(3_000_000, 'x'),
  'a file of many lines': Buffer.from('line\n'.repeat(3_000))
}
for (const [what, bytes] of Object.entries(files)) {
  test(`the demo carries ${what}`, t => {
    const file = join(folder, what.replaceAll(' ', '-'))
    writeFileSync(file, bytes)
    const { status, stdout, stderr } = node('dist-examples/demo/main.js', file)
    t.is(status, 0, stdout.slice(-2000) + stderr)
    const lines = bytes.toString('latin1').split('\n')
    const count = lines.at(-1) === '' ? lines.length - 1 : lines.length
    t.true(stdout.includes(`${count} of ${count} lines arrived whole`), stdout.slice(-2000))
    t.is(stdout.match(/^sender {4}line \d+: /gm)?.length ?? 0, count, 'each reply is printed')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (const side of ['sender', 'receiver']) {
      t.regex(stdout, new RegExp(`^${side} .*file of ${bytes.length} bytes, SHA-256 ${sha256}$`, 'm'))
    }
  })
}

test('the demo reports a missing file in one sentence', t => {
  const { status, stdout, stderr } = node('scripts/demo.mjs', 'no/such/file')
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^There is no file \S+no\/such\/file\.\n$/)
})
