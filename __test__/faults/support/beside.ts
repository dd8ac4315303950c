import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { EndpointOptions } from 'fastn-net'
import { checkLedgers, checkPrompt, checkUsage, logOutcomes } from './check.js'
import type { Asked } from './commands.js'
import { type Host, Lab } from './lab.js'
import { FaultPeer, type PeerPlace } from './peer.js'

/** What every fault has: `near`, which it happens to, and `bystander`, whom it must not disturb. */
export interface Beside {
  readonly t: ExecutionContext
  readonly lab: Lab
  readonly near: FaultPeer
  readonly nearHost: Host
  readonly bystander: FaultPeer
  /** Starts another peer, whose ledger counts as well. */
  start(name: string, host: Host, more?: Partial<PeerPlace>): Promise<FaultPeer>
  /** Shuts a peer down in the middle of a load, and sees it end. What it asked counts as well. */
  leave(peer: FaultPeer, load: string): Promise<void>
  /** Ends a load. What it asked counts as well. */
  collect(peer: FaultPeer, load: string): Promise<Asked[]>
  /** Requests that were made otherwise. */
  count(who: string, asked: readonly Asked[]): void
}

export interface Work {
  near?: EndpointOptions
  /** All that is made once: peers, connections. Gives who lives through it: they hold afterwards what they held then. */
  before?(world: Beside): Promise<readonly FaultPeer[]>
  /** The fault. All that was started is to be collected. */
  happens(world: Beside): Promise<void>
}

const endedWell = { code: 0, signal: null, stderr: '' }

/** Runs a fault while `near` and `bystander` ask each other, and checks all that must hold. */
export async function beside(t: ExecutionContext, work: Work): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-faults-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const lab = new Lab(t)
  const served: FaultPeer[] = []
  const left = new Set<FaultPeer>()
  const all: Asked[] = []
  const count = (who: string, asked: readonly Asked[]) => {
    logOutcomes(t, who, asked)
    all.push(...asked)
  }
  const start = async (name: string, host: Host, more: Partial<PeerPlace> = {}) => {
    const peer = await FaultPeer.start(t, { name, host, folder, ...more })
    served.push(peer)
    return peer
  }
  const collect = async (peer: FaultPeer, load: string) => {
    const asked = await peer.collect(load)
    count(`${peer.name} → ${load}`, asked)
    return asked
  }
  const leave = async (peer: FaultPeer, load: string) => {
    const { took } = await peer.shutdown()
    t.true(took < 15_000, `the shutdown of ${peer.name} took ${took} ms`)
    await collect(peer, load)
    left.add(peer)
    t.deepEqual(await peer.end(), endedWell, peer.name)
  }

  const nearHost = lab.host('near')
  const near = await start('near', nearHost, work.near ? { endpoint: work.near } : {})
  const bystander = await start('bystander', lab.host('bystander'))
  const world: Beside = { t, lab, near, nearHost, bystander, start, leave, collect, count }
  const others = (await work.before?.(world)) ?? []
  const stay = [near, bystander, ...others]

  const loads = (pause: number) =>
    Promise.all([
      near.load({ name: 'bystander', peer: bystander.address, pause }),
      bystander.load({ name: 'near', peer: near.address, pause })
    ])
  await loads(10)
  await sleep(3000)
  all.push(...(await near.collect('bystander')), ...(await bystander.collect('near')))
  checkPrompt(t, 'before the fault', all)
  // What this process keeps for the connection of the two is part of what it held.
  const usages = () => Promise.all(stay.map(peer => peer.usage(peer === bystander ? near.address : bystander.address)))
  const before = await usages()

  await loads(50)
  await sleep(500)
  await work.happens(world)
  checkPrompt(t, 'near → bystander', await collect(near, 'bystander'))
  checkPrompt(t, 'bystander → near', await collect(bystander, 'near'))
  checkLedgers(
    t,
    all,
    served.map(({ ledger }) => ledger)
  )
  const after = await usages()
  for (const [at, peer] of stay.entries()) checkUsage(t, peer.name, before[at]!, after[at]!)
  for (const peer of served) if (!left.has(peer)) t.deepEqual(await peer.end(), endedWell, peer.name)
}
