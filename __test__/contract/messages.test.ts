// Lines, JSON and whole bodies.
import test from 'ava'
import { pair, pattern, turn } from '../helpers/pair.js'

test('text, json and bytes read up to EOF', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await Promise.all([a.finish('grün\nand a second line'), b.finish('{"a":[1]}')])
  t.is(await b.text(), 'grün\nand a second line')
  t.deepEqual(await a.json(), { a: [1] })
  t.is(await b.text(), '')
  t.is((await a.bytes()).length, 0)
  const [c, d] = await peers.stream()
  const whole = pattern(3_000_000)
  const writing = c.finish(whole)
  const bytes = await d.bytes()
  await writing
  t.true(Buffer.from(bytes).equals(whole))
  t.is(bytes.buffer.byteLength, bytes.length)
})

test('bytes of a small body have a buffer of their own', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.finish('small')
  const bytes = await b.bytes()
  t.is(bytes.buffer.byteLength, 5)
})

test('text reads the rest after a line', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.writeLine('first')
  await a.finish('the rest')
  t.is(await b.nextString(), 'first')
  t.is(await b.text(), 'the rest')
})

test('a body above maxBytes is ERR_TOO_LARGE at once and stays unread', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.write('12345')
  // Not finished: the error does not wait for the end.
  await t.throwsAsync(b.bytes({ maxBytes: 4 }), { code: 'ERR_TOO_LARGE', message: /more than 4 bytes: raise maxBytes/ })
  await t.throwsAsync(b.text({ maxBytes: 4 }), { code: 'ERR_TOO_LARGE' })
  await t.throwsAsync(b.json({ maxBytes: 4 }), { code: 'ERR_TOO_LARGE' })
  await a.finish()
  t.is(await b.text({ maxBytes: 5 }), '12345')
})

test('the default of maxBytes is 16 MiB', async t => {
  await using peers = await pair({ receiveWindow: 64 * 1024 * 1024 })
  const most = 16 * 1024 * 1024
  const [a, b] = await peers.stream()
  const writing = a.finish(new Uint8Array(most))
  t.is((await b.bytes()).length, most)
  await writing
  const [c, d] = await peers.stream()
  const tooMuch = c.finish(new Uint8Array(most + 1))
  await t.throwsAsync(d.bytes(), { code: 'ERR_TOO_LARGE' })
  t.is((await d.bytes({ maxBytes: most + 1 })).length, most + 1)
  await tooMuch
})

test('aborting text loses no byte', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.write('begin ')
  const controller = new AbortController()
  const reading = b.text({ signal: controller.signal })
  await turn()
  await t.throwsAsync(b.read(), { code: 'ERR_READ_PENDING' })
  controller.abort()
  await t.throwsAsync(reading, { any: true, name: 'AbortError' })
  await t.throwsAsync(b.text({ signal: controller.signal }), { any: true, name: 'AbortError' })
  await a.finish('and end')
  t.is(await b.text(), 'begin and end')
})

test('a truncated body is an error, not a short result', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.write('half')
  const reading = b.text()
  await turn()
  a.reset(7)
  await t.throwsAsync(reading, { code: 'ERR_STREAM_RESET' })
  const [c, d] = await peers.stream()
  await c.write('half')
  const other = d.bytes()
  await turn()
  c.connection.close()
  await t.throwsAsync(other, { code: 'ERR_CONNECTION_LOST' })
})

test('a body that is not UTF-8 or JSON is an error', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await Promise.all([a.finish(new Uint8Array([0xff, 0xfe])), b.finish('{"a":')])
  await t.throwsAsync(b.text(), { code: 'ERR_UTF8', message: /the text is not UTF-8/ })
  t.deepEqual([...(await b.bytes())], [0xff, 0xfe])
  await t.throwsAsync(a.json(), { code: 'ERR_JSON', message: 'the text is not JSON' })
})

test('errors tell an empty stream from text that is not JSON, and a written object from bytes', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await t.throwsAsync(a.write({ a: 1 } as never), { code: 'ERR_INVALID_ARGUMENT', message: /writeJson/ })
  await a.finish()
  await t.throwsAsync(b.json(), { code: 'ERR_JSON', message: /nothing was sent/ })
})

test('writeLine and writeJson send one line each', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  await a.writeLine('')
  await a.writeLine('grün')
  await a.writeJson({ text: 'two\nlines' })
  await a.writeJson(null)
  await a.finish()
  t.is(await b.nextString(), '')
  t.is(await b.nextString(), 'grün')
  t.deepEqual(await b.nextJson(), { text: 'two\nlines' })
  t.is(await b.nextJson(), null)
  t.is(await b.text(), '')
})

test('writeLine and writeJson reject text that is not one line', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  const fails = (call: Promise<unknown>, message: RegExp) =>
    t.throwsAsync(call, { code: 'ERR_INVALID_ARGUMENT', message })
  await fails(a.writeLine('one\ntwo'), /^text must be one line, without a newline$/)
  await fails(a.writeLine('one\n'), /^text must be one line/)
  for (const wrong of [5, null, undefined, new Uint8Array(1)] as never[])
    await fails(a.writeLine(wrong), /^text must be a string, not /)
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  await fails(a.writeJson(undefined), /^value must be representable as JSON, not undefined$/)
  for (const wrong of [() => {}, Symbol('x'), 1n, cycle, new Map(), new Uint8Array(1), Number.NaN])
    await fails(a.writeJson(wrong), /^value cannot be written as JSON: value(?:\.self)? is /)
  await fails(a.writeJson({ list: [1, undefined] }), /: value\.list\[1\] is undefined, .*: send null$/)
  for (const wrong of [{ maxByte: 5 }, { maxBytes: 0 }, { maxBytes: '5' }, null] as never[])
    for (const call of [b.bytes(wrong), b.text(wrong), b.json(wrong)]) await fails(call, /maxBytes|options/)
  await fails(a.writeLine('x', { signals: 1 } as never), /unknown option 'signals'/)
  await a.finish('still open')
  t.is(await b.text(), 'still open')
})

test('a signal cancels writeLine', async t => {
  await using peers = await pair()
  const [a, b] = await peers.stream()
  const signal = AbortSignal.abort(new Error('no'))
  await t.throwsAsync(a.writeLine('x', { signal }), { message: 'no' })
  await t.throwsAsync(a.writeJson('x', { signal }), { message: 'no' })
  await a.finish('only this')
  t.is(await b.text(), 'only this')
})
