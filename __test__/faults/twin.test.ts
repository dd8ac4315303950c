// Two endpoints with one key.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { SecretKey } from 'fastn-net'
import { withBystander } from './support/bystander.js'
import { checkPrompt } from './support/check.js'
import type { FaultPeer } from './support/peer.js'

test('two endpoints with one key do not disturb others', async t => {
  const secretKey = SecretKey.generate()
  let [one, two]: FaultPeer[] = []
  await withBystander(t, {
    async before({ lab, near, start }) {
      one = await start('one', lab.host('one'), { secretKey })
      two = await start('two', lab.host('two'), { secretKey })
      for (const peer of [one, two]) {
        await peer.load({ name: 'warm', peer: near.address })
        await peer.progress('warm', 30_000)
        await peer.collect('warm')
      }
      return [two]
    },
    async run({ near, nearHost, start, leave, collect }) {
      if (!one || !two) throw new Error('not started')
      const both = one.at(...one.address.addresses!, ...two.address.addresses!)
      const leaving = await start('leaving', nearHost, { port: 4434 })
      await near.load({ name: 'either', peer: both })
      await leaving.load({ name: 'either', peer: both })
      await one.load({ name: 'near', peer: near.address })
      await two.load({ name: 'near', peer: near.address })
      await sleep(10_000)
      await leave(leaving, 'either')
      // While both run, all of their requests are answered.
      for (const peer of [one, two]) checkPrompt(t, peer.name, await peer.collect('near'))
      // Now only one is left.
      await two.load({ name: 'near', peer: near.address })
      await one.kill()
      await Promise.all([near.progress('either', 60_000), two.progress('near', 60_000)])
      await collect(near, 'either')
      await collect(two, 'near')
      await one.restart()
    }
  })
})
