import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { type Endpoint, getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { mailPeer } from '../helpers/peers.js'

const mails = Number(process.env.FASTN_MAIL_TEST_QUEUED ?? 2000)
const peers = 50

test(`${mails} mails to ${peers} peers, half of them offline: memory stays flat, and the others get theirs immediately`, async t => {
  t.timeout(600_000)
  let received = 0
  const present: Endpoint[] = []
  for (let at = 0; at < peers / 2; at++) {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    t.teardown(() => endpoint.close())
    endpoint.listen([
      [
        Protocol.generic({ fastn: 'mail', v: 1 }),
        async stream => {
          await stream.nextJson()
          await stream.bytes()
          received++
          await stream.finish('{"status":"stored"}\n')
        }
      ]
    ])
    present.push(endpoint)
  }
  const addresses = new Map(present.map(endpoint => [endpoint.id52, endpoint.address()]))
  // A port that nothing listens on: each dial takes its time.
  const dead = (id52: string) => ({ id52, addresses: ['127.0.0.1:9'] })
  const sender = await mailPeer(t, { smtp: false, address: id52 => addresses.get(id52) ?? dead(id52) })
  const away = Array.from({ length: peers / 2 }, () => SecretKey.generate().id52)
  // Of one away and one present each, in turn: those that are away are asked first.
  const ids = present.flatMap(({ id52 }, at) => [away[at] as string, id52])
  const raw = new Uint8Array(10_000).fill(97)
  await Promise.all(ids.map(id52 => sender.mail.send({ from: sender.address(), to: `x@${id52}.fastn`, raw })))
  let next = 0
  const sendUpTo = async (count: number) => {
    const queue = async () => {
      for (let at = next++; at < count; at = next++)
        await sender.mail.send({ from: sender.address(), to: `x@${ids[at % ids.length]}.fastn`, raw })
    }
    await Promise.all(Array.from({ length: 32 }, queue))
    next = count
    const queued = performance.now()
    while (received < present.length + count / 2) await new Promise(resolve => setTimeout(resolve, 5))
    return performance.now() - queued
  }
  // What connections, statements and the compiler take, they have taken after the first fifth.
  await sendUpTo(mails / 5)
  const before = memoryUsed()
  const started = performance.now()
  const late = await sendUpTo(mails)
  const rate = (mails * 400) / (performance.now() - started)
  const after = memoryUsed()
  t.log(
    `${mails} queued; the last of those present had theirs ${late.toFixed(0)} ms later; ${rate.toFixed(0)} a second arrived; memory ${before.toFixed(0)} MiB, then ${after.toFixed(0)}`
  )
  t.true(late < 10_000, `${late} ms behind the last mail`)
  // The mails are 10 KB each.
  t.true(after - before < 30, `${after - before} MiB more`)
  await sender.mail.idle()
  const waiting = sender.mail.queue({ limit: mails * 2 })
  t.is(waiting.length, away.length + mails / 2)
  t.true(waiting.every(({ peer }) => away.includes(peer)))
})

/** Memory of the process after a collection, in MiB. */
function memoryUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().rss / 1024 ** 2
}
