// Threads: an endpoint belongs to the thread that created it, and ends with it.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { native } from '../../dist/modules/native/addon.js'
import { FAILED } from '../../dist/modules/native/binding.js'
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

test('the native state of a thread without pending calls ends with it', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-workers-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'lock')
  const addon = new URL('../../dist/modules/native/addon.js', import.meta.url).href
  const program = `import(${JSON.stringify(addon)}).then(({ native }) => native().fileLock(${JSON.stringify(file)}))`
  await once(new Worker(program, { eval: true }), 'exit')
  const lock = native().fileLock(file)
  t.not(lock, FAILED, 'the thread has ended, and still holds its lock')
  native().handleRelease(lock)
})
