// The protocol WhatTimeIsIt.
import test from 'ava'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

test('a peer answers with its time, as one line of RFC 3339 in UTC', async t => {
  await using peers = await pair()
  await using listener = peers.server.serveTime()
  await listener.ready
  t.deepEqual(listener.protocols, ['WhatTimeIsIt'])
  const before = Date.now()
  const time = await prompt(peers.client.whatTimeIsIt(peers.server.address()), 'time')
  t.true(time.getTime() >= before && time.getTime() <= Date.now(), time.toISOString())
  const stream = await peers.client.getStream(peers.server.address(), 'WhatTimeIsIt')
  t.regex(await stream.text(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n$/)
  const again = peers.server.serveTime()
  await t.throwsAsync(again.ready, { code: 'ERR_PROTOCOL_IN_USE' })
})

test('an answer without a time, and no answer, are errors', async t => {
  await using peers = await pair()
  let answer = ''
  await using listener = peers.server.listen({
    WhatTimeIsIt: async stream => {
      if (answer === 'none') await new Promise(resolve => stream.signal.addEventListener('abort', resolve))
      else await stream.finish(answer)
    }
  })
  await listener.ready
  const ask = (options?: { timeout: number }) => peers.client.whatTimeIsIt(peers.server.address(), options)
  for (const [text, code] of [
    ['noon\n', 'ERR_UNEXPECTED_END'],
    ['2026-13-99T99:99:99Z\n', 'ERR_UNEXPECTED_END'],
    ['2026-11-29\n', 'ERR_UNEXPECTED_END'],
    ['', 'ERR_UNEXPECTED_END'],
    [`${'9'.repeat(100)}\n`, 'ERR_LINE_TOO_LONG']
  ] as const) {
    answer = text
    await t.throwsAsync(prompt(ask(), 'an error'), { code }, text)
  }
  answer = '2026-11-29T21:15:00+01:00\n'
  t.is((await ask()).toISOString(), '2026-11-29T20:15:00.000Z')
  answer = 'none'
  await t.throwsAsync(prompt(ask({ timeout: 50 }), 'a timeout'), { code: 'ERR_CALL_TIMEOUT' })
  const signal = AbortSignal.abort(new Error('enough'))
  await t.throwsAsync(peers.client.whatTimeIsIt(peers.server.address(), { signal }), { message: 'enough' })
  const late = new AbortController()
  const pending = peers.client.whatTimeIsIt(peers.server.address(), { signal: late.signal })
  late.abort(new Error('too late'))
  await t.throwsAsync(prompt(pending, 'an abort'), { message: 'too late' })
  await t.throwsAsync(ask({ times: 1 } as never), { code: 'ERR_INVALID_ARGUMENT' })
})
