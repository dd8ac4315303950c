import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { PeerAddress } from 'fastn-net'
import { type Beside, beside } from './beside.js'
import { checkPrompt } from './check.js'
import type { Asked } from './commands.js'
import type { Host, Lab } from './lab.js'
import type { FaultPeer } from './peer.js'

/** The hosts of a scenario. */
export interface Hosts {
  readonly near: Host
  readonly far: Host
}

/**
 * `near` and `far` ask each other all the time, and the fault is between them or in `far`. `leaving-near` and `leaving-far`, on the
 * same hosts, are shut down in the middle of it.
 */
export interface World extends Beside {
  readonly far: FaultPeer
  readonly farHost: Host
  /** How far dials near. */
  readonly toNear: PeerAddress
  /** Begun while the fault is there: who leaves is shut down, and has to end. */
  shutdown(): Promise<void>
  /** A new request from near to far gets its answer, and one from far to near. */
  recovered(limit?: number): Promise<void>
}

/** What differs between faults. */
export interface Fault {
  /** Where `far` runs. Default: a host of its own at the router. */
  farHost?(lab: Lab): Host
  /** How each dials the other's host, by port, when not by its own address. */
  through?(lab: Lab, hosts: Hosts): Promise<(host: Host, port: number) => string>
  /** What far binds. Default: its host's address. */
  bind?: string
  /** `far` cannot be dialled: its connections are what others have. */
  hidden?: boolean
  /** `far` does not live through it: nothing is known of its own requests. */
  mortal?: boolean
  /** What happens, up to its end. */
  happens(world: World): Promise<void>
}

/** Opening, of who asks somebody who leaves. */
const impatient = 5000

/** Runs a fault between `near` and `far`, and checks all that must hold. Gives what near asked far. */
export async function scenario(t: ExecutionContext, fault: Fault): Promise<readonly Asked[]> {
  let asked: readonly Asked[] = []
  let [far, leavingNear, leavingFar]: FaultPeer[] = []
  let farHost: Host
  let at = (host: Host, port: number) => `${host.address}:${port}`

  await beside(t, {
    async before({ lab, start, near, nearHost }) {
      farHost = fault.farHost?.(lab) ?? lab.host('far')
      at = (await fault.through?.(lab, { near: nearHost, far: farHost })) ?? at
      const bind = fault.bind === undefined ? {} : { bind: fault.bind }
      far = await start('far', farHost, bind)
      leavingNear = await start('leaving-near', nearHost, { port: 4434 })
      leavingFar = await start('leaving-far', farHost, { port: 4434, ...bind })
      // Who cannot be dialled dials first.
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

    async happens(world) {
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
      await fault.happens({
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
