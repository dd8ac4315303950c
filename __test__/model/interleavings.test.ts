// Both ends of a stream make the calls of a seed: reads, writes, finishes and aborts, awaited or not. In every order, each byte
// arrives once and in order, each call has exactly one outcome, and nothing leaks.
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { type Endpoint, getEndpoint, type PeerStream, Protocol, SecretKey } from 'fastn-net'
import { wakeups } from '../../dist/modules/native/wakeups.js'
import { judge } from './judge.js'
import { type Call, type Run, runOf } from './program.js'
import { Side } from './side.js'

const runs = Number(process.env.FASTN_NET_MODEL_RUNS ?? 2000)
const first = Number(process.env.FASTN_NET_MODEL_SEED ?? 1)
const atOnce = 12
const settleMs = 30_000
const Model = Protocol.generic('Model')

test(`${runs} interleavings deliver each byte once and settle each call once, from seed ${first}`, async t => {
  t.timeout(60_000 + runs * 100)
  // Small windows, so that writes wait.
  const options = { network: 'loopback', receiveWindow: 1024 * 1024 } as const
  const [opener, acceptor] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const open = opening(opener, acceptor)
  let next = first
  const loop = async () => {
    while (next < first + runs) {
      const run = runOf(next++)
      for (const wrong of await execute(run, open))
        t.fail(`${wrong}\n  again: npm run test:model -- --runs 1 --seed ${run.seed}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
  const streams = () => [opener, acceptor].map(each => /^fastn_net_streams (\d+)/m.exec(each.metrics())?.[1])
  await settled(() => streams().every(count => count === '0'))
  t.deepEqual(streams(), ['0', '0'], 'streams are left')
  await Promise.all([opener.close(), acceptor.close()])
  const waiting = () => wakeups().waiting.flatMap((entry, word) => (entry === undefined ? [] : [word]))
  await settled(() => wakeups().keepAlives === 0 && waiting().length === 0)
  t.is(wakeups().keepAlives, 0, 'the process is kept alive')
  t.deepEqual(waiting(), [], 'a call waits')
})

/** Waits until the condition holds, with a limit. */
async function settled(isSo: () => boolean): Promise<void> {
  for (const end = Date.now() + settleMs; Date.now() < end && !isSo(); ) await sleep(20)
}

type Open = (run: Run) => Promise<[PeerStream, PeerStream]>

/** Opens streams one after another, to pair their ends. */
function opening(opener: Endpoint, acceptor: Endpoint): Open {
  const incoming = acceptor.acceptBi(Model)
  let last: Promise<unknown> = Promise.resolve()
  return ({ ack }) => {
    const opened = last.then(async (): Promise<[PeerStream, PeerStream]> => {
      const [mine, theirs] = await Promise.all([opener.getStream(acceptor.address(), Model, { ack }), incoming.next()])
      return [mine, theirs.value as PeerStream]
    })
    last = opened.catch(() => {})
    return opened
  }
}

async function execute(run: Run, open: Open): Promise<string[]> {
  const [mine, theirs] = await open(run)
  const [one, other] = [new Side('the opener', mine), new Side('the acceptor', theirs)]
  const over = Promise.all([one.run(run.opener), other.run(run.acceptor)]).then(() => true)
  const limit = new AbortController()
  const settled = await Promise.race([over, sleep(settleMs, false, { signal: limit.signal }).catch(() => false)])
  limit.abort()
  const peaceful = [...run.opener.steps, ...run.acceptor.steps].every(({ call }) => !breaks(call))
  const wrong = judge(one, other, peaceful && run.opener.last === 'drain' && run.acceptor.last === 'drain')
  return settled || wrong.length > 0 ? wrong : ['a program did not end, but each call did']
}

/** Whether a step aborts the stream: a partly accepted write that is aborted resets it. */
function breaks(call: Call): boolean {
  return breaking.has(call.kind) || (call.kind === 'write' && call.abort !== undefined)
}

const breaking: ReadonlySet<Call['kind']> = new Set(['finish', 'reset', 'stop', 'dispose'])
