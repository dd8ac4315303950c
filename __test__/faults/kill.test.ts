// A peer that is killed and comes back under its key, again and again.
import test from 'ava'
import { scenario } from './support/scenario.js'

const times = 50

test(`a peer is killed and restarted ${times} times under load`, async t => {
  await scenario(t, {
    mortal: true,
    async happens({ near, far, toNear, shutdown }) {
      const leaving: Promise<void>[] = []
      const took: number[] = []
      for (let time = 1; time <= times; time++) {
        await far.kill()
        if (time === 10) leaving.push(shutdown())
        await far.restart()
        await far.load({ name: 'near', peer: toNear })
        took.push(await near.progress('far', 60_000))
      }
      await Promise.all(leaving)
      t.log(
        `reached again in ${took.toSorted((a, b) => a - b)[times / 2]} ms in the middle, ${Math.max(...took)} ms at most`
      )
    }
  })
})
