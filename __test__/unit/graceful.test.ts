import test from 'ava'
import * as module from '../../dist/modules/endpoint/graceful.js'

// Internal functions have no declarations.
interface Internal {
  joinShutdown(graceful: module.Graceful, endpoint: object): { leave(): void }
}

const { Graceful, joinShutdown } = module as typeof module & Internal
const idle = { listening: 0, tasks: 0, streams: 0, protocols: [] }

/** An endpoint whose close leaves `left` finished streams unacknowledged. */
function endpoint(graceful: module.Graceful, left: number, serving = () => idle) {
  let closed: Promise<number> | undefined
  const member = joinShutdown(graceful, {
    get isClosing() {
      return closed !== undefined
    },
    drain() {},
    close,
    serving
  })
  function close(): Promise<number> {
    closed ??= Promise.resolve(left).finally(() => member.leave())
    return closed
  }
  return close
}

test('the report counts streams that a close during the shutdown did not deliver, even after that close', async t => {
  const graceful = new Graceful()
  const close = endpoint(graceful, 3)
  let finish = () => {}
  void graceful.spawn(() => new Promise<void>(resolve => (finish = resolve)))
  const ending = graceful.shutdown({ timeout: 60_000 })
  t.is(await close(), 3)
  await new Promise(resolve => setTimeout(resolve, 1))
  finish()
  t.like(await ending, { clean: false, unacknowledged: 3, unclosed: 0 })
})

test('an endpoint closed before the shutdown is not in its report', async t => {
  const graceful = new Graceful()
  await endpoint(graceful, 3)()
  await new Promise(resolve => setTimeout(resolve, 1))
  t.like(await graceful.shutdown(), { clean: true, unacknowledged: 0 })
})

test('a shutdown waits for the tasks of the core, and reports unfinished ones', async t => {
  const graceful = new Graceful()
  let tasks = 2
  endpoint(graceful, 0, () => ({ ...idle, tasks }))
  const ending = graceful.shutdown({ timeout: 60_000 })
  const early = await Promise.race([ending, new Promise(resolve => setTimeout(resolve, 50, 'waits'))])
  t.is(early, 'waits')
  tasks = 0
  t.like(await ending, { clean: true, unfinished: 0 })
  const impatient = new Graceful()
  endpoint(impatient, 0, () => ({ ...idle, tasks: 2 }))
  const report = await impatient.shutdown({ timeout: 10 })
  t.like(report, { clean: false, unfinished: 2, work: [{ name: 'native task', count: 2 }] })
})
