import test from 'ava'
import { loopBudget, nextLoopTurn } from '../../dist/modules/native/event-loop.js'

const isKept = () => process.getActiveResourcesInfo().includes('Immediate')

test.serial('only the calls of an owner that wants it keep the process alive', async t => {
  const calls = [nextLoopTurn({ keepsAlive: false }, undefined)]
  t.false(isKept())
  calls.push(nextLoopTurn({ keepsAlive: true }, undefined))
  t.true(isKept())
  await Promise.all(calls)
})

test.serial('calls that do not keep the process alive continue soon', async t => {
  await t.notThrowsAsync(nextLoopTurn({ keepsAlive: false }, undefined))
})

test.serial('a replaced clock stops no call', async t => {
  const { setImmediate } = globalThis
  globalThis.setImmediate = (() => {}) as unknown as typeof setImmediate
  const turn = nextLoopTurn({ keepsAlive: true }, undefined)
  globalThis.setImmediate = setImmediate
  await t.notThrowsAsync(turn)
})

test.serial('rejects with the reason of the signal, before or during the wait', async t => {
  const controller = new AbortController()
  const turn = nextLoopTurn({ keepsAlive: true }, controller.signal)
  controller.abort(new Error('enough'))
  await t.throwsAsync(turn, { any: true, message: 'enough' })
  await t.throwsAsync(nextLoopTurn({ keepsAlive: true }, controller.signal), { any: true, message: 'enough' })
})

test.serial('the budget is spent after a while, and full after a turn', async t => {
  await nextLoopTurn({ keepsAlive: true }, undefined)
  t.false(loopBudget.isSpent())
  while (!loopBudget.isSpent()) loopBudget.take(0)
  await nextLoopTurn({ keepsAlive: true }, undefined)
  t.false(loopBudget.isSpent())
})
