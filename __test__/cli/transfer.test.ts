// `send` and `receive`, as child processes over loopback.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, parse } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { Cli, cli, eventsOf, folderFor } from './support/cli.js'
import { linesOf, newId, receiverFor, sendByHand, sha256Of, transferTo, tree } from './support/transfer.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const isWindows = process.platform === 'win32'

test('a file arrives, with its digest', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  const bytes = randomBytes(3_000_000)
  writeFileSync(join(from, 'a film.mp4'), bytes)
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const sent = await cli(['send', ticket, join(from, 'a film.mp4')])
  t.deepEqual({ code: sent.code, stdout: sent.stdout.toString() }, { code: 0, stdout: '' }, sent.stderr)
  const received = await program.ended
  t.is(received.code, 0, received.stderr)
  const file = eventsOf(received).find(({ event }) => event === 'file')
  t.like(file, { path: 'a film.mp4', bytes: bytes.length, sha256: sha256Of(bytes) })
  t.deepEqual(tree(to), { 'a film.mp4': sha256Of(bytes) })
})

test('an empty file arrives', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  writeFileSync(join(from, 'empty'), '')
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  t.is((await cli(['send', ticket, join(from, 'empty')])).code, 0)
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), { empty: sha256Of(new Uint8Array()) })
})

test('a folder arrives with its folders, empty ones and executable files, but without links', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  const photos = join(from, 'photos')
  mkdirSync(join(photos, 'a', 'b'), { recursive: true })
  mkdirSync(join(photos, 'empty'))
  for (let index = 0; index < 40; index++) writeFileSync(join(photos, 'a', `${index}.txt`), `file ${index}`)
  writeFileSync(join(photos, 'a', 'b', 'run ü.sh'), 'echo hello')
  const expected = tree(from)
  if (!isWindows) {
    chmodSync(join(photos, 'a', 'b', 'run ü.sh'), 0o755)
    symlinkSync('/etc', join(photos, 'link'))
  }
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const sent = await cli(['send', ticket, photos])
  t.is(sent.code, 0, sent.stderr)
  if (!isWindows) t.regex(sent.stderr, /not sent, because it is not a file or folder: photos\/link/)
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), expected)
  if (!isWindows) t.true((statSync(join(to, 'photos/a/b/run ü.sh')).mode & 0o100) !== 0)
})

test('a folder that is sent again sends only the missing files', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  const data = join(from, 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'old'), randomBytes(500_000))
  const { ticket } = await receiverFor(t, to)
  t.is((await cli(['send', ticket, data])).code, 0)
  writeFileSync(join(data, 'new'), randomBytes(1_000))
  const again = await cli(['send', ticket, data, '--json'])
  t.is(again.code, 0)
  t.like(eventsOf(again).at(-1), { event: 'done', files: 2, bytes: 501_000, moved: 1_000 })
  t.deepEqual(tree(to), tree(from))
})

test('a file with other content is not replaced without --force', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  writeFileSync(join(from, 'note'), 'new!')
  for (const old of ['old!', 'longer than the new one']) {
    writeFileSync(join(to, 'note'), old)
    const { program, ticket } = await receiverFor(t, to)
    const refused = await cli(['send', ticket, join(from, 'note'), '--json'])
    t.is(refused.code, 1)
    t.like(eventsOf(refused).at(-1), { event: 'error', code: 'ERR_TRANSFER', reason: 'exists', by: 'peer' })
    t.like(await program.event('failed'), { code: 'ERR_TRANSFER', reason: 'exists', by: 'local' })
    t.is(readFileSync(join(to, 'note'), 'utf8'), old)
    const forced = await receiverFor(t, to, ['--public', '--force', '--once'])
    t.is((await cli(['send', forced.ticket, join(from, 'note')])).code, 0)
    t.is((await forced.program.ended).code, 0)
    t.is(readFileSync(join(to, 'note'), 'utf8'), 'new!')
  }
})

test('stdin arrives as a file, and receive - prints one', async t => {
  const to = folderFor(t)
  const bytes = randomBytes(2_500_000)
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const sent = await cli(['send', ticket, '-', '--name', 'backup.tar'], { stdin: bytes })
  t.is(sent.code, 0, sent.stderr)
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), { 'backup.tar': sha256Of(bytes) })

  const { printer, ticket: printed } = await printerFor(t)
  t.is((await cli(['send', printed, join(to, 'backup.tar')])).code, 0)
  const { code, stdout } = await printer.ended
  t.is(code, 0)
  t.true(stdout.equals(bytes))
})

/** A `receive -`, with its ticket. */
async function printerFor(t: ExecutionContext): Promise<{ printer: Cli; ticket: string }> {
  const printer = new Cli(['receive', '-', '--public'])
  t.teardown(() => printer.kill('SIGKILL'))
  const [text] = await once(printer.child.stderr as NodeJS.ReadableStream, 'data')
  return { printer, ticket: String(text).split('\n')[0] ?? '' }
}

test('receive - prints one of two concurrent files, and continues after a peer that sends none', async t => {
  const { printer, ticket } = await printerFor(t)
  const stranger = await transferTo(t, ticket)
  await stranger.finish('hello\n')
  t.like(await stranger.nextJson(), { error: 'invalid' })
  const first = await transferTo(t, ticket)
  await first.write(linesOf({ id: newId(), name: 'a', entries: 1 }, { path: 'a', size: 3 }))
  t.deepEqual(await first.nextJson(), { ready: true })
  const second = await transferTo(t, ticket)
  t.like(await sendByHand(second, { path: 'b', bytes: Buffer.from('bbb') }), { error: 'busy' })
  const sha256 = sha256Of(Buffer.from('aaa'))
  await first.finish(`${linesOf({ file: 0, from: 0 }, { bytes: 3 })}aaa${linesOf({ sha256 }, { end: true })}`)
  t.deepEqual(await first.nextJson(), { done: true })
  const { code, stdout } = await printer.ended
  t.is(code, 0)
  t.is(String(stdout), 'aaa')
})

test('a hidden file needs --hidden, even in the offered folder', async t => {
  const bytes = Buffer.from('secret')
  const [to, other] = [folderFor(t), folderFor(t)]
  const { ticket } = await receiverFor(t, to)
  const hidden = { path: '.fastn.secret-key', bytes }
  t.like(await sendByHand(await transferTo(t, ticket), hidden), { error: 'name' })
  t.deepEqual(await sendByHand(await transferTo(t, ticket), { path: 'a/.env', bytes }), { done: true })
  const { ticket: open } = await receiverFor(t, other, ['--public', '--hidden'])
  t.deepEqual(await sendByHand(await transferTo(t, open), hidden), { done: true })
  t.deepEqual(readdirSync(to), ['a'])
})

test('receive needs peers or --public, and not both', async t => {
  const neither = await cli(['receive'], { cwd: folderFor(t) })
  t.is(neither.code, 2)
  t.regex(neither.stderr, /--allow PEER.*--public/)
  const both = await cli(['receive', '--public', '--allow', 'x'], { cwd: folderFor(t) })
  t.is(both.code, 2)
  t.is((await cli(['receive', '--allow', 'not a peer'], { cwd: folderFor(t) })).code, 2)
})

test('a peer that is not allowed is refused, and an allowed one is not', async t => {
  const [from, to, keys] = [folderFor(t), folderFor(t), folderFor(t)]
  writeFileSync(join(from, 'note'), 'hello')
  const friend = (await cli(['keygen', '--file', join(keys, 'friend')])).lines[0] ?? ''
  const { program, ticket } = await receiverFor(t, to, ['--allow', friend, '--once'])
  const refused = await cli(['send', ticket, join(from, 'note'), '--json'])
  t.is(refused.code, 1)
  t.like(eventsOf(refused).at(-1), { event: 'error', code: 'ERR_UNAUTHORIZED' })
  t.is((await cli(['send', ticket, join(from, 'note'), '--key', join(keys, 'friend')])).code, 0)
  const received = await program.ended
  t.is(received.code, 0)
  t.like(eventsOf(received).at(-1), { event: 'done', peer: friend, name: 'note', files: 1, bytes: 5 })
})

test('the ticket is the first line of stdout, paths follow, and nothing else', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  writeFileSync(join(from, 'note'), 'hello')
  const program = new Cli(['receive', to, '--public', '--once', '--quiet'])
  const ticket = await program.line()
  t.is((await cli(['send', ticket, join(from, 'note'), '--quiet'])).stderr, '')
  const { code, lines, stderr } = await program.ended
  t.deepEqual({ code, lines, stderr }, { code: 0, lines: [ticket, 'note'], stderr: '' })
})

test('--qr prints the ticket as a QR code, to stderr', async t => {
  const program = new Cli(['receive', folderFor(t), '--public', '--qr'])
  await program.line()
  program.kill('SIGTERM')
  const { stderr, code } = await program.ended
  if (!isWindows) t.is(code, 143)
  t.regex(stderr, /[█▀▄]{10}/u)
})

test('a transfer above --max-size is refused at both sides', async t => {
  const [from, to] = [folderFor(t), folderFor(t)]
  writeFileSync(join(from, 'big'), randomBytes(20_000))
  const { program, ticket } = await receiverFor(t, to, ['--public', '--max-size', '10k'])
  for (const [args, stdin] of [
    [['send', ticket, join(from, 'big')], ''],
    [['send', ticket, '-'], randomBytes(20_000)]
  ] as const) {
    const sent = await cli([...args, '--json'], { stdin })
    t.is(sent.code, 1)
    t.like(eventsOf(sent).at(-1), { reason: 'too-large', by: 'peer' })
    t.like(await program.event('failed'), { reason: 'too-large', by: 'local' })
  }
  t.deepEqual(tree(to), {})
})

test('a source that cannot be sent is an error before the peer is dialled', async t => {
  const folder = folderFor(t)
  const nobody = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
  writeFileSync(join(folder, 'note'), 'hello')
  const cases: [string[], RegExp][] = [
    [['no-such-file'], /cannot read 'no-such-file': ENOENT/],
    [['note', '--name', '../note'], /not below its folder/],
    [['note', '--name', 'a\u001bb'], /control characters/],
    [[parse(folder).root], /has no name: set one/]
  ]
  for (const [args, message] of cases) {
    const { code, stderr } = await cli(['send', nobody, ...args], { cwd: folder })
    t.is(code, 1)
    t.regex(stderr, message)
  }
})

test('a file with more bytes than its reported size is not sent as an empty one', async t => {
  if (process.platform !== 'linux') return void t.pass()
  const to = folderFor(t)
  const { ticket } = await receiverFor(t, to)
  const { code, stderr } = await cli(['send', ticket, '/proc/self/status'])
  t.is(code, 1)
  t.regex(stderr, /more bytes than its size/)
  t.deepEqual(
    readdirSync(to).filter(name => !name.endsWith('.part')),
    []
  )
})

test('a progress line is no wider than its terminal, even with wide characters', async t => {
  if (process.platform !== 'linux' || spawnSync('script', ['--version']).status !== 0) return void t.pass()
  const { ticket } = await receiverFor(t, folderFor(t))
  const file = join(folderFor(t), '宽'.repeat(20))
  writeFileSync(file, randomBytes(1_000_000))
  const before = ['sh', '-c', 'exec script -qec "stty cols 30; $*" /dev/null', 'sh']
  const { code, stdout } = await cli(['send', ticket, file, '--limit-rate', '2M'], { before })
  t.is(code, 0)
  const shown = String(stdout)
    .split('\r\u001b[2K')
    .filter(line => line.startsWith('宽'))
  t.true(shown.length > 0)
  for (const line of shown) t.true(line.replaceAll('宽', '--').length < 30, line)
})
