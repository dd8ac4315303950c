// Packets are lost at random.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { scenario } from './support/scenario.js'

for (const percent of [5, 20]) {
  test(`works with ${percent} % packet loss`, async t => {
    await scenario(t, {
      async run({ lab, farHost, shutdown, recovered }) {
        lab.lose(farHost, percent)
        await sleep(10_000)
        // During the fault: requests are answered while packets are lost.
        await Promise.all([shutdown(), recovered()])
        await sleep(5000)
        const lost = lab.heal()
        t.true(lost > 0)
        t.log(`${lost} packets were lost`)
        await recovered()
      }
    })
  })
}
