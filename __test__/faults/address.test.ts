// A host whose address changes, like from Wi-Fi to mobile.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { scenario } from './support/scenario.js'

test('survives three address changes', async t => {
  await scenario(t, {
    bind: '0.0.0.0',
    async run({ farHost, shutdown, recovered }) {
      for (let time = 0; time < 3; time++) {
        farHost.move()
        await (time === 1 ? Promise.all([shutdown(), recovered()]) : recovered())
        await sleep(2000)
      }
    }
  })
})
