import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { PeerAddress } from 'fastn-net'
import { type BystanderWorld, withBystander } from './bystander.js'
import { checkPrompt } from './check.js'
import type { RecordedRequest } from './commands.js'
import type { Host, Lab } from './lab.js'
import type { FaultPeer } from './peer.js'

/** Hosts of a scenario. */
export interface Hosts {
  readonly near: Host
  readonly far: Host
}

/**
 * `near` and `far` exchange requests all the time, and the fault is between them or in `far`. `leaving-near` and `leaving-far`, on the
 * same hosts, are shut down during the fault.
 */
export interface World extends BystanderWorld {
  readonly far: FaultPeer
  readonly farHost: Host
  /** How far dials near. */
  readonly toNear: PeerAddress
  /** Call during the fault: shuts the leaving peers down, which must exit. */
  shutdown(): Promise<void>
  /** Waits for the answers of a new request in each direction. */
  recovered(limit?: number): Promise<void>
}

/** Options of a scenario. */
export interface Fault {
  /** Host of `far`. Default: its own host at the router. */
  farHost?(lab: Lab): Host
  /** Addresses to dial each other's host at, by port. Default: the host's address. */
  through?(lab: Lab, hosts: Hosts): Promise<(host: Host, port: number) => string>
  /** Address that far binds. Default: its host's. */
  bind?: string
  /** `far` cannot be dialled: others only use the connections that it dials. */
  hidden?: boolean
  /** `far` does not survive: its own requests are not checked. */
  mortal?: boolean
  /** Causes the fault and waits for its end. */
  run(world: World): Promise<void>
}

/** Open timeout for requests to a leaving peer. */
const impatient = 5000

/** Runs a fault between `near` and `far`, and checks the invariants. Returns the requests from near to far. */
export async function scenario(t: ExecutionContext, fault: Fault): Promise<readonly RecordedRequest[]> {
  let asked: readonly RecordedRequest[] = []
  let [far, leavingNear, leavingFar]: FaultPeer[] = []
  let farHost: Host
  let at = (host: Host, port: number) => `${host.address}:${port}`

  await withBystander(t, {
    async before({ lab, start, near, nearHost }) {
      farHost = fault.farHost?.(lab) ?? lab.host('far')
      at = (await fault.through?.(lab, { near: nearHost, far: farHost })) ?? at
      const bind = fault.bind === undefined ? {} : { bind: fault.bind }
      far = await start('far', farHost, bind)
      leavingNear = await start('leaving-near', nearHost, { port: 4434 })
      leavingFar = await start('leaving-far', farHost, { port: 4434, ...bind })
      // A peer that cannot be dialled dials first.
      const warm: [FaultPeer, string, PeerAddress][] = [
        [far, 'near', near.at(at(nearHost, 4433))],
        [leavingFar, 'near', near.at(at(nearHost, 4433))],
        [far, 'leaving-near', leavingNear.at(at(nearHost, 4434))]
      ]
      for (const [peer, name, to] of warm) await peer.load({ name, peer: to, pause: 10 })
      for (const [peer, name] of warm) await peer.progress(name, 60_000)
      await sleep(2000)
      for (const [peer, name] of warm)
        checkPrompt(t, `${peer.name} → ${name}, before the fault`, await peer.collect(name))
      return fault.mortal ? [] : [far]
    },

    async run(world) {
      const { near, nearHost, leave, collect } = world
      if (!far || !leavingNear || !leavingFar) throw new Error('not started')
      const [faulty, one, other] = [far, leavingNear, leavingFar]
      const toNear = near.at(at(nearHost, 4433))
      const dial = (peer: FaultPeer, port: number) => (fault.hidden ? peer.at() : peer.at(at(farHost, port)))
      await Promise.all([
        near.load({ name: 'far', peer: dial(faulty, 4433) }),
        near.load({ name: 'leaving-far', peer: dial(other, 4434), timeout: impatient, workers: 1 }),
        faulty.load({ name: 'near', peer: toNear }),
        one.load({ name: 'far', peer: dial(faulty, 4433), workers: 2, timeout: impatient }),
        other.load({ name: 'near', peer: toNear, workers: 2, timeout: impatient })
      ])
      await sleep(1000)
      await fault.run({
        ...world,
        far: faulty,
        farHost,
        toNear,
        async shutdown() {
          await Promise.all([leave(one, 'far'), leave(other, 'near')])
        },
        async recovered(limit = 60_000) {
          const [there, back] = await Promise.all([near.progress('far', limit), faulty.progress('near', limit)])
          t.log(`near reached far again in ${there} ms, far near in ${back} ms`)
        }
      })
      const ending = [collect(near, 'far'), collect(near, 'leaving-far')]
      if (!fault.mortal) ending.push(collect(faulty, 'near'))
      asked = (await Promise.all(ending))[0]!
    }
  })
  return asked
}
