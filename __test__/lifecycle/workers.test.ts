// Threads: an endpoint belongs to the thread that created it, and ends with it.
import test from 'ava'
import { Program, quiet } from '../helpers/program.js'

test('the main thread continues after workers with pending calls are terminated', async t => {
  t.deepEqual(await new Program('workers', 'terminated').ended, quiet('done'))
})

test('50 workers in turn each exchange a line', async t => {
  t.deepEqual(await new Program('workers', 'in turn').ended, quiet('done'))
})

test('several endpoints work in one process and in concurrent workers', async t => {
  t.deepEqual(await new Program('workers', 'at once').ended, quiet('done'))
})

test('an answer is sent even if its thread then blocks', async t => {
  t.deepEqual(await new Program('workers', 'busy').ended, quiet('done'))
})

test('workers that close nothing exit by themselves', async t => {
  t.deepEqual(await new Program('workers', 'leave').ended, quiet('done'))
})
