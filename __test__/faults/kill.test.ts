// A peer that is killed and restarted with its key, again and again.
import test from 'ava'
import { scenario } from './support/scenario.js'

const times = 50

test(`survives ${times} kills and restarts of a peer under load`, async t => {
  await scenario(t, {
    mortal: true,
    async run({ near, far, toNear, shutdown }) {
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
      took.sort((a, b) => a - b)
      // By its backoff alone, the client would redial after 9 s.
      t.true(took[times / 2]! < 3000, `${took}`)
      t.log(`reached again in ${took[times / 2]} ms in the middle, ${took.at(-1)} ms at most`)
    }
  })
})
