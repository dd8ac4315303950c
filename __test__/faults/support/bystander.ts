import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { EndpointOptions } from 'fastn-net'
import { checkLedgers, checkPrompt, checkUsage, logOutcomes } from './check.js'
import type { RecordedRequest } from './commands.js'
import { type Host, Lab } from './lab.js'
import { FaultPeer, type PeerPlace } from './peer.js'

/** Peers of every fault test: `near`, which the fault affects, and `bystander`, which it must not disturb. */
export interface BystanderWorld {
  readonly t: ExecutionContext
  readonly lab: Lab
  readonly near: FaultPeer
  readonly nearHost: Host
  readonly bystander: FaultPeer
  /** Starts another peer, whose ledger is checked too. */
  start(name: string, host: Host, more?: Partial<PeerPlace>): Promise<FaultPeer>
  /** Shuts a peer down during a load, and awaits its exit. Its requests are checked too. */
  leave(peer: FaultPeer, load: string): Promise<void>
  /** Ends a load. Its requests are checked too. */
  collect(peer: FaultPeer, load: string): Promise<RecordedRequest[]>
  /** Requests that were made without a load. */
  count(who: string, asked: readonly RecordedRequest[]): void
}

export interface Work {
  near?: EndpointOptions
  /** Creates peers and connections. Returns the peers that survive: they must hold no more resources afterwards. */
  before?(world: BystanderWorld): Promise<readonly FaultPeer[]>
  /** Causes the fault. Must collect every load that it starts. */
  run(world: BystanderWorld): Promise<void>
}

const endedWell = { code: 0, signal: null, stderr: '' }

/** Runs a fault while `near` and `bystander` exchange requests, and checks the invariants. */
export async function withBystander(t: ExecutionContext, work: Work): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-faults-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const lab = new Lab(t)
  const served: FaultPeer[] = []
  const left = new Set<FaultPeer>()
  const all: RecordedRequest[] = []
  const count = (who: string, asked: readonly RecordedRequest[]) => {
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
  const world: BystanderWorld = { t, lab, near, nearHost, bystander, start, leave, collect, count }
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
  // The connection of the two is part of the resources held before the fault.
  const usages = () => Promise.all(stay.map(peer => peer.usage(peer === bystander ? near.address : bystander.address)))
  const before = await usages()

  await loads(50)
  await sleep(500)
  await work.run(world)
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
