// Delay, jitter and low bandwidth.
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { proxy } from './support/proxy.js'
import { type Fault, scenario } from './support/scenario.js'

async function keepsWorking(t: ExecutionContext, fault: Pick<Fault, 'through' | 'farHost'>): Promise<void> {
  await scenario(t, {
    ...fault,
    async run({ shutdown, recovered }) {
      await sleep(10_000)
      await Promise.all([shutdown(), recovered()])
      await sleep(2000)
    }
  })
}

/** All traffic between the two passes proxies on the router. */
function delayed(t: ExecutionContext, delay: number, jitter: number): Required<Pick<Fault, 'through'>> {
  return {
    async through(lab, { near, far }) {
      lab.part(near, far)
      for (const host of [near, far])
        for (const port of [4433, 4434]) await proxy(t, lab, host, port, { delay, jitter })
      return (host, port) => `${host.gateway}:${port}`
    }
  }
}

test('works with 200 ms of delay each way', t => keepsWorking(t, delayed(t, 200, 0)))

test('works with 50 ms of delay, as much jitter, and reordered packets', t => keepsWorking(t, delayed(t, 50, 50)))

test('works on a link of 2 Mbit/s', t =>
  keepsWorking(t, {
    farHost(lab) {
      const host = lab.host('far')
      host.throttle(2000)
      return host
    }
  }))
