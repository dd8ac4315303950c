import test from 'ava'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'

test('an aborted read rejects with the reason and loses nothing', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const controller = new AbortController()
  const reason = { any: 'thing' }
  const reading = theirs.read({ signal: controller.signal })
  controller.abort(reason)
  t.is(await reading.catch(error => error), reason)
  t.is(await theirs.read({ signal: controller.signal }).catch(error => error), reason)
  await mine.finish('all of it')
  t.is((await readAll(theirs)).toString(), 'all of it')
})

test('repeatedly aborted reads lose no byte', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const whole = pattern(2_000_000)
  const writing = (async () => {
    for (let at = 0; at < whole.length; at += 10_000) {
      await mine.write(whole.subarray(at, at + 10_000))
      if (at % 100_000 === 0) await new Promise(setImmediate)
    }
    await mine.finish()
  })()
  const chunks: Uint8Array[] = []
  for (let round = 0; ; round++) {
    const controller = new AbortController()
    if (round % 2 === 0) setImmediate(() => controller.abort())
    try {
      const chunk = await theirs.read({ signal: controller.signal })
      if (chunk === null) break
      chunks.push(chunk)
    } catch (error) {
      t.is((error as Error).name, 'AbortError')
    }
  }
  await writing
  t.true(Buffer.concat(chunks).equals(whole))
})

test('aborting a partly accepted write resets the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const controller = new AbortController()
  const writing = mine.write(new Uint8Array(32_000_000), { signal: controller.signal })
  await turn()
  const reason = new Error('enough')
  controller.abort(reason)
  t.is(await writing.catch(error => error), reason)
  const error = await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
  t.is((error as { errorCode?: number }).errorCode, 0x101)
})

test('aborting a queued write removes only that write', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const first = pattern(4_000_000)
  const controller = new AbortController()
  const sent = mine.write(first)
  const dropped = mine.write('never', { signal: controller.signal })
  const last = mine.finish('last')
  controller.abort()
  await t.throwsAsync(dropped, { any: true, name: 'AbortError' })
  const received = await readAll(theirs)
  await Promise.all([sent, last])
  t.true(received.equals(Buffer.concat([first, Buffer.from('last')])))
})

test('aborting a queued finish leaves the stream open', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const controller = new AbortController()
  const sent = mine.write(pattern(4_000_000))
  const ending = mine.finish('end', { signal: controller.signal })
  controller.abort()
  await t.throwsAsync(ending, { any: true, name: 'AbortError' })
  const all = readAll(theirs)
  await sent
  await mine.finish('other')
  t.is((await all).subarray(-5).toString(), 'other')
})
