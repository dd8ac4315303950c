// A peer that accepts streams and never acknowledges one.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { withBystander } from './support/bystander.js'
import { startRaw } from './support/raw.js'

test('a peer that accepts and never acks fails requests in time', async t => {
  await withBystander(t, {
    async run({ lab, near, nearHost, start, leave, collect }) {
      const host = lab.host('raw')
      const { address, program } = await startRaw(t, host)
      await program.ask('accept', { acks: false })
      const leaving = await start('leaving', nearHost, { port: 4434 })
      await near.load({ name: 'raw', peer: address, chats: 0 })
      await leaving.load({ name: 'raw', peer: address, chats: 0 })
      await sleep(15_000)
      await leave(leaving, 'raw')
      const asked = await collect(near, 'raw')
      t.true(asked.length >= 3)
      const other = asked.filter(([, outcome]) => outcome !== 'ERR_ACK_TIMEOUT')
      t.deepEqual(other, [])
    }
  })
})
