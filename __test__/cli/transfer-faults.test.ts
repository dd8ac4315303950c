// `send` and `receive` with failures in the middle.
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { Cli, type CliEvent, cli, eventsOf, folderFor } from './support/cli.js'
import { kill, linesOf, newId, receiverFor, sha256Of, transferTo, tree } from './support/transfer.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** Slow enough to act in the middle of a transfer. */
const slowly = ['--limit-rate', '5M']
const isInTheMiddle = ({ bytes }: CliEvent) => Number(bytes) > 3_000_000

/** A file in a folder of its own, and its digest. */
function bigFile(t: ExecutionContext, size = 40_000_000): { file: string; sha256: string; size: number } {
  const file = join(folderFor(t), 'big')
  const bytes = randomBytes(size)
  writeFileSync(file, bytes)
  return { file, sha256: sha256Of(bytes), size }
}

const isPart = (name: string) => name.endsWith('.part')

test('100 MB whose sender is killed in the middle are resumed', async t => {
  const { file, sha256, size } = bigFile(t, 100_000_000)
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const first = new Cli(['send', ticket, file, '--json', ...slowly])
  await program.event('progress', isInTheMiddle)
  await kill(first, 'SIGKILL')
  const second = await cli(['send', ticket, file, '--json'])
  t.is(second.code, 0, second.stdout.toString())
  const done = eventsOf(second).at(-1)
  t.like(done, { event: 'done', bytes: size })
  t.true(Number(done?.moved) < size - 1_000_000, `${done?.moved} bytes were sent`)
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), { big: sha256 })
})

test('a receiver that is killed in the middle resumes after its restart', async t => {
  const { file, sha256, size } = bigFile(t)
  const to = folderFor(t)
  const first = await receiverFor(t, to)
  const sender = new Cli(['send', first.ticket, file, '--json', '--retry-for', '0s', ...slowly])
  await first.program.event('progress', isInTheMiddle)
  await kill(first.program, 'SIGKILL')
  t.is((await sender.ended).code, 1)
  const parts = readdirSync(to)
  t.is(parts.filter(isPart).length, 1)
  t.is(parts.length, 1, 'nothing has the name of the file before it is complete')
  const second = await receiverFor(t, to, ['--public', '--once'])
  const sent = await cli(['send', second.ticket, file, '--json'])
  t.is(sent.code, 0)
  t.true(Number(eventsOf(sent).at(-1)?.moved) < size - 1_000_000)
  t.is((await second.program.ended).code, 0)
  t.deepEqual(tree(to), { big: sha256 })
})

test('a sender resumes by itself when its receiver is back', async t => {
  if (process.platform === 'win32') return void t.pass()
  const { file, sha256 } = bigFile(t)
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const sender = new Cli(['send', ticket, file, '--json', ...slowly])
  await program.event('progress', isInTheMiddle)
  // Longer than the sender needs to find its connection dead.
  program.kill('SIGSTOP')
  await sender.event('retry')
  program.kill('SIGCONT')
  const { code, stdout } = await sender.ended
  t.is(code, 0, stdout.toString().slice(-2000))
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), { big: sha256 })
})

test('Ctrl-C at the sender ends both sides of the transfer, which can be resumed', async t => {
  if (process.platform === 'win32') return void t.pass()
  const { file, sha256, size } = bigFile(t)
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to, ['--public', '--once'])
  const first = new Cli(['send', ticket, file, ...slowly])
  await program.event('progress', isInTheMiddle)
  first.kill('SIGINT')
  t.is((await first.ended).code, 130)
  await program.event('failed')
  const second = await cli(['send', ticket, file, '--json'])
  t.is(second.code, 0)
  t.true(Number(eventsOf(second).at(-1)?.moved) < size)
  t.is((await program.ended).code, 0)
  t.deepEqual(tree(to), { big: sha256 })
})

test('Ctrl-C at the receiver notifies the sender, and the partial file is kept', async t => {
  if (process.platform === 'win32') return void t.pass()
  const { file } = bigFile(t)
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to)
  const sender = new Cli(['send', ticket, file, '--json', ...slowly])
  await program.event('progress', isInTheMiddle)
  program.kill('SIGINT')
  t.is((await program.ended).code, 130)
  const sent = await sender.ended
  t.is(sent.code, 1)
  t.like(eventsOf(sent).at(-1), { event: 'error', code: 'ERR_TRANSFER', reason: 'cancelled', by: 'peer' })
  t.is(readdirSync(to).filter(isPart).length, 1)
})

test('a second signal ends the program at once', async t => {
  if (process.platform === 'win32') return void t.pass()
  const { program, ticket } = await receiverFor(t, folderFor(t))
  const sender = new Cli(['send', ticket, '-', '--json'], { stdin: 'open' })
  await program.event('offer')
  // After the first signal, the program waits until the sender has been notified.
  sender.kill('SIGSTOP')
  program.kill('SIGINT')
  // The system would merge two SIGINTs that are not yet delivered.
  program.kill('SIGTERM')
  const ended = await program.ended
  sender.kill('SIGKILL')
  // The system may deliver signals to different threads of a program, and thus in either order.
  t.true([130, 143].includes(ended.code ?? 0), String(ended.code))
  t.is(eventsOf(ended).at(-1)?.event, 'offer', 'it reports nothing more')
})

test('a silent stdin delays neither Ctrl-C nor the end of the receiver', async t => {
  if (process.platform === 'win32') return void t.pass()
  const interrupted = new Cli(['send', (await receiverFor(t, folderFor(t))).ticket, '-', '--json'], { stdin: 'open' })
  await interrupted.event('connected')
  interrupted.kill('SIGINT')
  t.is((await interrupted.ended).code, 130)

  const { program, ticket } = await receiverFor(t, folderFor(t))
  const sender = new Cli(['send', ticket, '-', '--json'], { stdin: 'open' })
  await program.event('offer')
  program.kill('SIGINT')
  const sent = await sender.ended
  t.is(sent.code, 1)
  t.like(eventsOf(sent).at(-1), { event: 'error', code: 'ERR_TRANSFER', reason: 'cancelled', by: 'peer' })
})

test('a source that changes during the transfer is an error at both sides', async t => {
  const { file } = bigFile(t)
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to)
  const sender = new Cli(['send', ticket, file, '--json', ...slowly])
  await program.event('progress', isInTheMiddle)
  writeFileSync(file, 'short now')
  const sent = await sender.ended
  t.is(sent.code, 1)
  t.like(eventsOf(sent).at(-1), { event: 'error', reason: 'source', by: 'local' })
  t.like(await program.event('failed'), { reason: 'source', by: 'peer' })
  t.deepEqual(
    Object.keys(tree(to)).filter(name => !isPart(name)),
    []
  )
})

test('a folder that cannot be written is an error, at the start and in the middle', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'file'), '')
  const { code, stderr } = await cli(['receive', join(folder, 'file', 'x'), '--public'])
  t.is(code, 1)
  t.regex(stderr, /cannot write to the folder '.*': ENOTDIR/)

  const to = join(folder, 'to')
  mkdirSync(to)
  const { program, ticket } = await receiverFor(t, to)
  rmSync(to, { recursive: true })
  const sent = await cli(['send', ticket, join(folder, 'file'), '--json'])
  t.is(sent.code, 1)
  t.like(eventsOf(sent).at(-1), { event: 'error', reason: 'disk', by: 'peer' })
  t.like(await program.event('failed'), { reason: 'disk', by: 'local' })
})

/** Runs a program with a disk of 2 MB at a folder. */
const smallDisk = (folder: string) => [
  'unshare',
  '-rm',
  'sh',
  '-c',
  `mount -t tmpfs -o size=2m none '${folder}' && exec "$@"`,
  'sh'
]

test('a full disk is an error at both sides, found early or in the middle', async t => {
  const to = folderFor(t)
  const [command = '', ...args] = smallDisk(to)
  // Linux with user namespaces only.
  if (spawnSync(command, [...args, 'true']).status !== 0) return void t.pass()
  const { program, ticket } = await receiverFor(t, to, ['--public'], { before: smallDisk(to) })
  const file = join(folderFor(t), 'big')
  writeFileSync(file, randomBytes(5_000_000))
  for (const [args, stdin, message] of [
    [['send', ticket, file], '', /too little free space/],
    [['send', ticket, '-'], randomBytes(5_000_000), /the disk is full/]
  ] as const) {
    const sent = await cli([...args, '--json'], { stdin })
    t.is(sent.code, 1)
    const failed = eventsOf(sent).at(-1)
    t.like(failed, { event: 'error', code: 'ERR_TRANSFER', reason: 'disk', by: 'peer' })
    t.regex(String(failed?.message), message)
    t.like(await program.event('failed'), { reason: 'disk', by: 'local' })
  }
})

test('unfinished transfers are removed for one that needs their space', async t => {
  const to = folderFor(t)
  const [command = '', ...args] = smallDisk(to)
  if (spawnSync(command, [...args, 'true']).status !== 0) return void t.pass()
  const { program, ticket } = await receiverFor(t, to, ['--public'], { before: smallDisk(to) })
  const stream = await transferTo(t, ticket)
  await stream.write(linesOf({ id: newId(), name: 'old', entries: 1 }, { path: 'old', size: 2_000_000 }))
  await stream.nextJson()
  await stream.write(linesOf({ file: 0, from: 0 }, { bytes: 1_000_000 }))
  await stream.finish(randomBytes(1_000_000))
  await program.event('failed')
  const file = join(folderFor(t), 'new')
  writeFileSync(file, randomBytes(1_800_000))
  const sent = await cli(['send', ticket, file])
  t.is(sent.code, 0, sent.stderr)
})
