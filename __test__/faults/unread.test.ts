// A side that does not read.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { withBystander } from './support/bystander.js'
import { checkPrompt } from './support/check.js'
import { whole } from './support/commands.js'
import type { FaultPeer } from './support/peer.js'
import { startRaw } from './support/raw.js'
import { waits } from './support/waits.js'

const bytes = 4 * 1024 * 1024

test('data unread for a minute arrives complete', async t => {
  let far: FaultPeer
  await withBystander(t, {
    async before({ lab, near, start }) {
      far = await start('far', lab.host('far'))
      await near.once({ name: 'warm', peer: far.address, bytes, wait: 0, who: 'server' })
      await near.once({ name: 'warm back', peer: far.address, bytes, wait: 0, who: 'client' })
      return [far]
    },
    async run({ near, nearHost, start, leave, collect, count }) {
      const wait = waits(60_000)
      const leaving = await start('leaving', nearHost, { port: 4434 })
      await near.load({ name: 'far', peer: far.address })
      await leaving.load({ name: 'far', peer: far.address })
      const much = ['server', 'client', 'server', 'client'].map((who, at) =>
        near.once({ name: `much ${at}`, peer: far.address, bytes, wait, who: who as 'server' | 'client' })
      )
      await sleep(wait / 2)
      await leave(leaving, 'far')
      const asked = await Promise.all(much)
      count('near → far, much', asked)
      t.deepEqual(
        asked.map(([, outcome]) => outcome),
        [whole, whole, whole, whole]
      )
      // Meanwhile, on the same connection.
      checkPrompt(t, 'near → far', await collect(near, 'far'))
    }
  })
})

test('survives a peer that acknowledges, reads nothing for a minute, and vanishes', async t => {
  await withBystander(t, {
    async run({ lab, near, count }) {
      const { address, program } = await startRaw(t, lab.host('raw'))
      await program.ask('accept', { acks: true })
      const much = [0, 1].map(at => near.once({ name: `much ${at}`, peer: address, bytes, wait: 0, who: 'server' }))
      await sleep(waits(60_000))
      program.signal('SIGKILL')
      const asked = await Promise.all(much)
      // Measured from its exit.
      const since = asked.map(
        ([number, outcome, began, took]) => [number, outcome, began, took - waits(60_000)] as const
      )
      count('near → raw', since)
      t.deepEqual(
        asked.map(([, outcome]) => outcome),
        ['ERR_CONNECTION_LOST', 'ERR_CONNECTION_LOST']
      )
    }
  })
})
