// A link that goes down and comes back.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { scenario } from './support/scenario.js'
import { waits } from './support/waits.js'

for (const seconds of [1, 10, 60]) {
  test(`survives a link that is down for ${seconds} s`, async t => {
    await scenario(t, {
      async run({ farHost, shutdown, recovered }) {
        const back = async () => {
          await sleep(waits(seconds * 1000))
          farHost.plug()
          await recovered()
        }
        farHost.pull()
        await Promise.all([shutdown(), back()])
      }
    })
  })
}
