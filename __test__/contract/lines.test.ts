import test from 'ava'
import { FastnNetError } from 'fastn-net'
import { pair, readAll } from '../helpers/pair.js'

test('reads lines one by one and loses nothing after them', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.write('one\ntwo\r\n{"three":3}\n')
  await mine.finish('the rest\nof it')
  t.is(await theirs.nextString(), 'one')
  t.is(await theirs.nextString(), 'two\r')
  t.deepEqual(await theirs.nextJson<{ three: number }>(), { three: 3 })
  t.is((await readAll(theirs)).toString(), 'the rest\nof it')
})

test('bytes after a line can be read into a buffer', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('line\nabcdef')
  await theirs.nextString()
  const into = new Uint8Array(3)
  let rest = ''
  for (let count = await theirs.read({ into }); count !== null; count = await theirs.read({ into })) {
    rest += Buffer.from(into.subarray(0, count)).toString()
  }
  t.is(rest, 'abcdef')
})

test('lines() ends at EOF, with or without a last newline', async t => {
  await using peers = await pair()
  for (const [text, expected] of [
    ['a\n\nb\n', ['a', '', 'b']],
    ['a\nb', ['a', 'b']],
    ['', []]
  ] as const) {
    const [mine, theirs] = await peers.stream()
    await mine.finish(text)
    const lines: string[] = []
    for await (const line of theirs.lines()) lines.push(line)
    t.deepEqual(lines, [...expected])
  }
})

test('joins a line that arrives in pieces', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const line = theirs.nextString()
  for (const byte of Buffer.from('€uro')) {
    await mine.write(Uint8Array.of(byte))
    await new Promise(setImmediate)
  }
  await mine.write('\n')
  t.is(await line, '€uro')
})

test('EOF within a line is an error with the partial text', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('half a li')
  const error = (await t.throwsAsync(theirs.nextString(), { code: 'ERR_UNEXPECTED_END' })) as FastnNetError
  t.is(error.partial, 'half a li')
  t.is((await readAll(theirs)).toString(), 'half a li')
  t.is(((await t.throwsAsync(theirs.nextString(), { code: 'ERR_UNEXPECTED_END' })) as FastnNetError).partial, '')
})

test('a truncated last line is reported once, then EOF', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('whole\nhalf a li')
  t.is(await theirs.nextString(), 'whole')
  const partial = async (call: Promise<unknown>) =>
    ((await t.throwsAsync(call, { code: 'ERR_UNEXPECTED_END' })) as FastnNetError).partial
  t.is(await partial(theirs.nextString()), 'half a li')
  for (let again = 0; again < 2; again++) t.is(await partial(theirs.nextJson()), '')
  // The bytes of the truncated line stay for `read`.
  const lines: string[] = []
  for await (const line of theirs.lines()) lines.push(line)
  t.deepEqual(lines, ['half a li'])
  t.is(await theirs.read(), null)
})

test('a line that is too long stays unread', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish(`${'x'.repeat(11)}\nrest`)
  await t.throwsAsync(theirs.nextString({ maxBytes: 10 }), { code: 'ERR_LINE_TOO_LONG' })
  t.is(await theirs.nextString({ maxBytes: 11 }), 'x'.repeat(11))
  t.is((await readAll(theirs)).toString(), 'rest')
})

test('an endless line fails once it exceeds the default limit', async t => {
  await using peers = await pair({ maxLineBytes: 100_000 })
  const [mine, theirs] = await peers.stream()
  mine.finish('x'.repeat(150_000)).catch(() => {})
  await t.throwsAsync(theirs.nextString(), { code: 'ERR_LINE_TOO_LONG' })
})

test('a line that is not UTF-8 can be read as bytes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish(Uint8Array.of(0xff, 10, 65))
  const error = (await t.throwsAsync(theirs.nextString(), { code: 'ERR_UTF8' })) as FastnNetError
  t.true(error.cause instanceof TypeError)
  t.deepEqual([...(await readAll(theirs))], [0xff, 10, 65])
})

test('a line that is not JSON is consumed, and the next one is intact', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.finish('{no\n{"yes":1}\n')
  const error = (await t.throwsAsync(theirs.nextJson(), { code: 'ERR_JSON' })) as FastnNetError
  t.true(error.cause instanceof SyntaxError)
  t.deepEqual(await theirs.nextJson(), { yes: 1 })
})

test('an aborted nextString keeps the bytes that arrived', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  await mine.write('first ')
  const controller = new AbortController()
  const line = theirs.nextString({ signal: controller.signal })
  setTimeout(() => controller.abort(), 30)
  await t.throwsAsync(line, { any: true, name: 'AbortError' })
  await mine.write('half\n')
  t.is(await theirs.nextString(), 'first half')
})

test('rejects an invalid maxBytes', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const error = (await t.throwsAsync(mine.nextString({ maxBytes: 0 }))) as FastnNetError
  t.true(error instanceof FastnNetError)
  t.is(error.code, 'ERR_INVALID_ARGUMENT')
  t.regex(error.message, /options\.maxBytes/)
})
