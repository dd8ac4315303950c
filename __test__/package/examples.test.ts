import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { runExample, runScript, startExample } from './support/example.js'

const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))

test('receiver and sender of the README exchange messages, and Ctrl-C ends the receiver cleanly', async t => {
  const receiver = startExample('receiver')
  try {
    const ticket = await receiver.nextLine()
    for (const { status, stdout, stderr } of [runExample('sender', ticket), runExample('guide/plain', ticket)]) {
      t.is(status, 0, stderr)
      t.regex(stdout, /^Hello Ada, you are [0-9a-v]{51}[0g]\n$/)
    }
    if (process.platform !== 'win32') t.deepEqual(await receiver.end('SIGINT'), [0, null])
  } finally {
    receiver.process.kill('SIGKILL')
  }
})

test('the sender of the README reports its missing argument', t => {
  const { status, stderr } = runExample('sender')
  t.is(status, 1)
  t.regex(stderr, /the peer is an empty string: give the ticket/)
})

test('the requests of the README print an answer and an error', t => {
  const { status, stdout, stderr } = runExample('requests')
  t.is(status, 0, stderr)
  t.is(stdout, '0.25\nRangeError division by zero\n')
})

test('the example of a service prints its answers', t => {
  const { status, stdout, stderr } = runExample('service')
  t.is(status, 0, stderr)
  t.is(stdout, '5\na\nb\nc\n')
})

const adapters = {
  'examples/adapters/trpc': '3 true\nNOT_FOUND no such user\n',
  'examples/adapters/orpc': '3 true\nNOT_FOUND no such user\n0\n1\n2\n',
  'examples/adapters/hono': '7 true\n1000000 bytes\n0\n1\n2\n\n404\n',
  'examples/adapters/capnweb': '3\n0\n1\n2\nRangeError out of range\n'
}
for (const [path, printed] of Object.entries(adapters)) {
  const name = path.slice('examples/'.length)
  test(`${name} carries its calls and their errors`, t => {
    const { status, stdout, stderr } = runExample(name)
    t.is(status, 0, stderr)
    t.is(stdout, printed)
  })
}

test('send-file and receive-file carry a file with its digest', async t => {
  const from = join(folder, 'a file to send')
  const bytes = randomBytes(2_000_000)
  writeFileSync(from, bytes)
  const target = mkdtempSync(join(folder, 'received-'))
  const receiver = startExample('receive-file', [target])
  try {
    const { status, stdout, stderr } = runExample('send-file', await receiver.nextLine(), from)
    t.is(status, 0, stderr)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    t.true(stdout.endsWith(`2000000 of 2000000 bytes\nsaved 2000000 bytes, SHA-256 ${sha256}\n`), stdout)
    t.true(readFileSync(join(target, 'a file to send')).equals(bytes))
  } finally {
    receiver.process.kill('SIGKILL')
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
    const { status, stdout, stderr } = runExample('demo/main', file)
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
  const { status, stdout, stderr } = runScript('scripts/demo.mjs', 'no/such/file')
  t.is(status, 1)
  t.is(stdout, '')
  t.regex(stderr, /^There is no file \S+no\/such\/file\.\n$/)
})
