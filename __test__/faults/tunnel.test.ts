// A transfer through a tunnel whose link or peer fails.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { tunnelWorld } from './support/tunnel.js'
import { waits } from './support/waits.js'

/** Takes 5 s over the link. */
const bytes = 5_000_000

/** A lost peer is noticed after 9 s. The rest is a margin for busy machines. */
const noticed = 14_000

for (const seconds of [1, 4]) {
  test(`a transfer continues after ${seconds} s without network`, async t => {
    const { near, far, farHost, toFar } = await tunnelWorld(t)
    const download = near.ask('download', { peer: toFar, bytes })
    await sleep(2000)
    farHost.pull()
    await sleep(seconds * 1000)
    farHost.plug()
    const { received, isPrefix, end } = await download
    t.deepEqual({ received, isPrefix, end }, { received: bytes, isPrefix: true, end: 'end' })
    t.deepEqual(await far.ask('ends', null), ['end'])
  })
}

test('a transfer without network for a minute is a reset at both ends, and the next one succeeds', async t => {
  const { near, far, farHost, toFar } = await tunnelWorld(t)
  const download = near.ask('download', { peer: toFar, bytes })
  await sleep(2000)
  farHost.pull()
  const pulled = Date.now()
  const { received, isPrefix, end, at } = await download
  t.true(isPrefix && received > 0 && received < bytes, `${received}`)
  t.is(end, 'ECONNRESET')
  t.true(at - pulled < noticed, `${at - pulled} ms`)
  t.deepEqual(await far.ask('ends', null), ['ECONNRESET'])
  await sleep(Math.max(0, pulled + waits(60_000) - Date.now()))
  farHost.plug()
  const again = await near.ask('download', { peer: toFar, bytes })
  t.deepEqual({ ...again, at: 0 }, { received: bytes, isPrefix: true, end: 'end', at: 0 })
})

test('a peer that is killed during a transfer is a reset', async t => {
  const { near, far, toFar } = await tunnelWorld(t)
  const download = near.ask('download', { peer: toFar, bytes })
  await sleep(2000)
  far.signal('SIGKILL')
  const killed = Date.now()
  const { received, isPrefix, end, at } = await download
  t.true(isPrefix && received > 0 && received < bytes, `${received}`)
  t.is(end, 'ECONNRESET')
  t.true(at - killed < noticed, `${at - killed} ms`)
})
