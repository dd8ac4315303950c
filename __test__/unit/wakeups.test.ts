import test from 'ava'
import { waitForWake, wake, wakeWord } from '../../dist/modules/native/wakeups.js'

// Slots that no handle uses.
const word = wakeWord(4_000, 0)
const other = wakeWord(4_001, 0)

test('a second waiter for a wake word is rejected, and the first stays', async t => {
  const first = waitForWake(word, undefined, false)
  await t.throwsAsync(waitForWake(word, undefined, false), { any: true, message: /two waiters for wake word 16000/ })
  await t.throwsAsync(waitForWake(word, new AbortController().signal, false), { any: true, message: /two waiters/ })
  wake(word)
  await t.notThrowsAsync(first)
})

test('a wake word can be awaited again after a wake or an abort', async t => {
  const controller = new AbortController()
  const aborted = waitForWake(other, controller.signal, false)
  controller.abort()
  const next = waitForWake(other, undefined, false)
  await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
  wake(other)
  await next
  const again = waitForWake(other, undefined, false)
  wake(other)
  await t.notThrowsAsync(again)
})
