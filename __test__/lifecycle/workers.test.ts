// Threads: an endpoint belongs to the one that made it, and ends with it.
import test from 'ava'
import { Program, quiet } from '../helpers/program.js'

test('workers that are terminated while something waits; the main thread goes on', async t => {
  t.deepEqual(await new Program('workers', 'terminated').ended, quiet('done'))
})

test('50 workers in turn, each with an endpoint and an exchange', async t => {
  t.deepEqual(await new Program('workers', 'in turn').ended, quiet('done'))
})

test('several endpoints in one process, and in several workers at once', async t => {
  t.deepEqual(await new Program('workers', 'at once').ended, quiet('done'))
})

test('an answer goes although its thread does something else from then on', async t => {
  t.deepEqual(await new Program('workers', 'busy').ended, quiet('done'))
})

test('workers that close nothing end by themselves', async t => {
  t.deepEqual(await new Program('workers', 'leave').ended, quiet('done'))
})
