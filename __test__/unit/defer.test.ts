import test from 'ava'
import { defer } from '../../dist/modules/stream/deferred/defer.js'

test.serial('a deferred task that throws does not stop the others, and its error surfaces once', async t => {
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  // ava's own listeners would fail the test.
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', onError)
  t.teardown(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  })
  const ran: string[] = []
  const task = (name: string, error?: Error) => () => {
    ran.push(name)
    if (error !== undefined) throw error
  }
  const [first, second] = [new Error('first'), new Error('second')]
  defer(task('a'))
  defer(task('b', first))
  defer(task('c', second))
  defer(task('d'))
  await new Promise(resolve => setTimeout(resolve, 50))
  t.deepEqual(ran, ['a', 'b', 'c', 'd'])
  t.deepEqual(errors, [first, second])
  await new Promise<void>(resolve => defer(resolve))
  t.is(errors.length, 2)
})
