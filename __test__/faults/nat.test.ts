// A peer behind a router that loses its mappings: its ports change suddenly.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import type { Nat } from './support/lab.js'
import { scenario } from './support/scenario.js'

test('survives three losses of NAT mappings, with new ports', async t => {
  let nat: Nat
  await scenario(t, {
    hidden: true,
    farHost(lab) {
      nat = lab.nat('nat')
      return lab.host('far', nat.namespace)
    },
    async run({ shutdown, recovered }) {
      for (let time = 0; time < 3; time++) {
        nat.rebind()
        await (time === 1 ? Promise.all([shutdown(), recovered()]) : recovered())
        await sleep(2000)
      }
    }
  })
})
