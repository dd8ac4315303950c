// Hostile peers of `receive`, and hostile receivers of `send`, which speak the protocol by hand.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava from 'ava'
import { cli, eventsOf, folderFor } from './support/cli.js'
import {
  endpointFor,
  linesOf,
  newId,
  receiverFor,
  sendByHand,
  sha256Of,
  transferProtocol,
  transferTo,
  tree
} from './support/transfer.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const bytes = Buffer.from('payload')

const badPaths = [
  '../x',
  'a/../../x',
  'a/..',
  '/etc/x',
  'a//x',
  'a/./x',
  '..\\x',
  'a\\b',
  'C:\\x',
  'a\u0000b',
  'a\nb',
  'a\u001b[2Jb',
  'a\u202eb',
  '',
  '.',
  '..',
  'a\ud800',
  `a/${'x'.repeat(256)}`,
  `a${'/a'.repeat(70)}`,
  `.fastn-net-${'0'.repeat(32)}-0.part`
]

test('a name that leaves the folder, or confuses a terminal, is refused', async t => {
  const outer = folderFor(t)
  const to = join(outer, 'a', 'to')
  mkdirSync(to, { recursive: true })
  const { program, ticket } = await receiverFor(t, to)
  for (const path of badPaths) {
    const stream = await transferTo(t, ticket)
    const answer = await sendByHand(stream, { path, bytes, name: path.includes('/') ? 'a' : path })
    t.like(answer, { error: 'name' }, JSON.stringify(path))
    await stream.close()
    t.like(await program.event('failed'), { reason: 'name', by: 'local' })
  }
  t.deepEqual(tree(outer), { 'a/': '', 'a/to/': '' })
})

test('a file outside the folder that was offered is refused', async t => {
  const to = folderFor(t)
  const { ticket } = await receiverFor(t, to)
  t.like(await sendByHand(await transferTo(t, ticket), { path: 'other/x', bytes, name: 'mine' }), { error: 'name' })
  t.deepEqual(tree(to), {})
})

test('a link in the folder is not followed', async t => {
  if (process.platform === 'win32') return void t.pass()
  const [to, elsewhere] = [folderFor(t), folderFor(t)]
  symlinkSync(elsewhere, join(to, 'photos'))
  writeFileSync(join(elsewhere, 'secret'), 'secret!')
  symlinkSync(join(elsewhere, 'secret'), join(to, 'note'))
  for (const args of [['--public'], ['--public', '--force']]) {
    const { ticket } = await receiverFor(t, to, args)
    t.like(await sendByHand(await transferTo(t, ticket), { path: 'photos/x', bytes }), { error: 'exists' })
    await sendByHand(await transferTo(t, ticket), { path: 'note', bytes })
    t.deepEqual(readdirSync(elsewhere), ['secret'])
    t.is(readFileSync(join(elsewhere, 'secret'), 'utf8'), 'secret!')
  }
})

test('bytes that do not match the digest are an error, and leave no file', async t => {
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to)
  const stream = await transferTo(t, ticket)
  t.like(await sendByHand(stream, { path: 'note', bytes, sha256: sha256Of(Buffer.from('other')) }), { error: 'digest' })
  t.like(await program.event('failed'), { reason: 'digest', by: 'local' })
  t.deepEqual(tree(to), {})
})

test('a sender that disconnects in the middle leaves no file with its final name', async t => {
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to)
  const stream = await transferTo(t, ticket)
  await stream.write(linesOf({ id: newId(), name: 'note', entries: 1 }, { path: 'note', size: 100 }))
  await stream.nextJson()
  await stream.finish(`${linesOf({ file: 0, from: 0 }, { bytes: 50 })}${'x'.repeat(50)}`)
  await program.event('failed')
  t.deepEqual(
    readdirSync(to).filter(name => !name.endsWith('.part')),
    []
  )
})

const malformed: Record<string, string> = {
  'text that is not JSON': 'hello\n',
  'a list': '[]\n',
  'no name': linesOf({ id: newId(), entries: 0 }),
  'an id that is a path': linesOf({ id: '../x', name: 'a', entries: 0 }),
  'a negative count': linesOf({ id: newId(), name: 'a', entries: -1 }),
  'a count that is no number': linesOf({ id: newId(), name: 'a', entries: '1' }),
  'a negative size': linesOf({ id: newId(), name: 'a', entries: 1 }, { path: 'a', size: -1 }),
  'a size above 2^53': `${linesOf({ id: newId(), name: 'a', entries: 1 })}{"path":"a","size":1e300}\n`,
  'sizes whose sum is above 2^53': linesOf(
    { id: newId(), name: 'a', entries: 2 },
    { path: 'a/1', size: Number.MAX_SAFE_INTEGER },
    { path: 'a/2', size: 1 }
  ),
  'a name twice': linesOf({ id: newId(), name: 'a', entries: 2 }, { path: 'a/1', size: 1 }, { path: 'a/1', size: 1 })
}

test('a malformed offer is refused, and the receiver continues', async t => {
  const to = folderFor(t)
  const { ticket } = await receiverFor(t, to)
  for (const [what, text] of Object.entries(malformed)) {
    const stream = await transferTo(t, ticket)
    await stream.write(text)
    t.like(await stream.nextJson(), { error: 'invalid' }, what)
    await stream.close()
  }
  t.like(await sendByHand(await transferTo(t, ticket), { path: 'note', bytes }), { done: true })
  t.deepEqual(tree(to), { note: sha256Of(bytes) })
})

test('too many files, too long a line and too long a frame are refused', async t => {
  const { ticket } = await receiverFor(t, folderFor(t))
  const many = await transferTo(t, ticket)
  await many.write(linesOf({ id: newId(), name: 'a', entries: 1e9 }))
  t.like(await many.nextJson(), { error: 'too-many' })

  const long = await transferTo(t, ticket)
  await long.write(`{"id":"${'0'.repeat(100_000)}`)
  await t.throwsAsync(long.nextString(), { code: 'ERR_STREAM_RESET' })

  const frame = await transferTo(t, ticket)
  await frame.write(linesOf({ id: newId(), name: 'a', entries: 1 }, { path: 'a', size: 900_000_000 }))
  const answer = await frame.nextJson<{ ready?: boolean; error?: string }>()
  // A small disk refuses the file at once.
  if (answer.ready !== true) return void t.is(answer.error, 'disk')
  await frame.write(linesOf({ file: 0, from: 0 }, { bytes: 1e9 }))
  t.like(await frame.nextJson(), { error: 'invalid' })
})

test('concurrent transfers are bounded', async t => {
  const { ticket } = await receiverFor(t, folderFor(t))
  const endpoint = await endpointFor(t)
  const open = async () => {
    const stream = await endpoint.getStream(ticket, transferProtocol)
    await stream.write(linesOf({ id: newId(), name: 'a', entries: 1 }, { path: 'a', size: null as unknown as number }))
    return [stream, await stream.nextJson<{ ready?: boolean; error?: string }>()] as const
  }
  const streams = []
  for (let count = 0; count < 16; count++) {
    const [stream, answer] = await open()
    t.true(answer.ready)
    streams.push(stream)
  }
  const refused = await endpoint.getStream(ticket, transferProtocol)
  t.like(await refused.nextJson(), { error: 'busy' })
})

test('a partial file is resumed only for a sender that proves to have it, and its digest stays secret', async t => {
  const to = folderFor(t)
  writeFileSync(join(to, 'note'), bytes)
  const { ticket } = await receiverFor(t, to)
  const offer = linesOf({ id: newId(), name: 'note', entries: 1 }, { path: 'note', size: bytes.length })

  const guess = await transferTo(t, ticket)
  await guess.write(offer)
  const said = [await guess.nextJson(), await guess.nextJson()]
  t.deepEqual(said, [{ have: 0, bytes: bytes.length }, { ready: true }])
  await guess.write(linesOf({ prove: 0, sha256: sha256Of(randomBytes(7)) }))
  const answer = await guess.nextString()
  t.regex(answer, /"error":"exists"/)
  t.false(answer.includes(sha256Of(bytes)))

  const owner = await transferTo(t, ticket)
  await owner.write(offer)
  await owner.nextJson()
  await owner.nextJson()
  await owner.write(linesOf({ prove: 0, sha256: sha256Of(bytes) }, { end: true }))
  t.deepEqual(await owner.nextJson(), { file: 0, from: bytes.length })
  t.deepEqual(await owner.nextJson(), { done: true })
})

test('unfinished transfers do not accumulate', async t => {
  const to = folderFor(t)
  const { program, ticket } = await receiverFor(t, to)
  for (let count = 0; count < 12; count++) {
    const stream = await transferTo(t, ticket)
    await stream.write(linesOf({ id: newId(), name: `f${count}`, entries: 1 }, { path: `f${count}`, size: 100 }))
    await stream.nextJson()
    await stream.finish(`${linesOf({ file: 0, from: 0 }, { bytes: 50 })}${'x'.repeat(50)}`)
    await program.event('failed')
  }
  const parts = readdirSync(to).length
  t.true(parts > 1 && parts <= 9, `${parts} parts`)
})

/** A receiver of this process that answers with these lines. */
async function receiverThatSays(t: Parameters<typeof endpointFor>[0], text: string): Promise<string> {
  const endpoint = await endpointFor(t)
  const listener = endpoint.listen([
    [
      transferProtocol,
      async stream => {
        await stream.write(text)
        await stream.bytes().catch(() => {})
      }
    ]
  ])
  await listener.ready
  return await endpoint.ticket()
}

test('a receiver that asks for files that were not offered, or lies, is an error of send', async t => {
  const file = join(folderFor(t), 'note')
  writeFileSync(file, bytes)
  const answers = [
    linesOf({ have: 7, bytes: 0 }),
    linesOf({ have: 0, bytes: 100 }),
    linesOf({ have: 0, bytes: 1 }, { have: 0, bytes: 2 }),
    linesOf({ ready: true }, { done: false }),
    'nonsense\n'
  ]
  for (const answer of answers) {
    const sent = await cli(['send', await receiverThatSays(t, answer), file, '--json'])
    t.is(sent.code, 1, answer)
    t.like(eventsOf(sent).at(-1), { event: 'error', code: 'ERR_TRANSFER', reason: 'invalid' }, answer)
  }
})

test("a receiver's words reach the terminal without escape sequences", async t => {
  const file = join(folderFor(t), 'note')
  writeFileSync(file, bytes)
  const ticket = await receiverThatSays(t, linesOf({ error: '\u001b[2J', message: '\u001b[31mred\n' }))
  const { code, stderr } = await cli(['send', ticket, file])
  t.is(code, 1)
  t.regex(stderr, /the peer says: .*red/)
  t.false(stderr.includes('\u001b'))
})
