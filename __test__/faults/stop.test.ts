// A process that is stopped, like by closing a laptop, and continued.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { whole } from './support/commands.js'
import { scenario, type World } from './support/scenario.js'

const stopped =
  (seconds: number) =>
  async ({ far, shutdown, recovered }: World): Promise<void> => {
    const back = async () => {
      await sleep(seconds * 1000)
      far.resume()
      await recovered()
    }
    far.pause()
    await Promise.all([shutdown(), back()])
  }

test('a process stopped for 5 s loses nothing', async t => {
  const asked = await scenario(t, { run: stopped(5) })
  t.deepEqual(
    asked.filter(([, outcome]) => outcome !== whole),
    []
  )
})

test('recovers from a process stopped for 40 s', async t => {
  await scenario(t, { run: stopped(40) })
})
