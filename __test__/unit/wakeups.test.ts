import test from 'ava'
import { never, setKeepsAlive, waitForWake, wake, wakeups, wakeWord } from '../../dist/modules/native/wakeups.js'

// Slots that no handle uses.
const word = wakeWord(4_000, 0)
const other = wakeWord(4_001, 0)

test('a second waiter for a wake word is rejected, and the first stays', async t => {
  const first = waitForWake(word, undefined, never)
  await t.throwsAsync(waitForWake(word, undefined, never), { any: true, message: /two waiters for wake word 16000/ })
  await t.throwsAsync(waitForWake(word, new AbortController().signal, never), { any: true, message: /two waiters/ })
  wake(word)
  await t.notThrowsAsync(first)
})

test('a wake word can be awaited again after a wake or an abort', async t => {
  const controller = new AbortController()
  const aborted = waitForWake(other, controller.signal, never)
  controller.abort()
  const next = waitForWake(other, undefined, never)
  await t.throwsAsync(aborted, { any: true, name: 'AbortError' })
  wake(other)
  await next
  const again = waitForWake(other, undefined, never)
  wake(other)
  await t.notThrowsAsync(again)
})

test('the pending calls of an owner keep the process alive only if the owner wants it', async t => {
  const owner = { keepsAlive: true, waiting: 0 }
  const words = [wakeWord(4_002, 0), wakeWord(4_002, 1)]
  const alive = () => wakeups().keepAlives
  const before = alive()
  const waits = words.map(each => waitForWake(each, undefined, owner))
  t.is(alive(), before + 2)
  setKeepsAlive(owner, false)
  t.is(alive(), before)
  wake(words[0]!)
  setKeepsAlive(owner, true)
  t.is(alive(), before + 1)
  wake(words[1]!)
  t.deepEqual([alive(), owner.waiting], [before, 0])
  await Promise.all(waits)
})
