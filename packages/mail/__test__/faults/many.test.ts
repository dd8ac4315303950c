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
  globalThis.gc?.()
  const before = process.memoryUsage()
  let next = 0
  const queue = async () => {
    for (let at = next++; at < mails; at = next++)
      await sender.mail.send({ from: sender.address(), to: `x@${ids[at % ids.length]}.fastn`, raw })
  }
  await Promise.all(Array.from({ length: 32 }, queue))
  const queued = performance.now()
  const wanted = present.length + mails / 2
  while (received < wanted) await new Promise(resolve => setTimeout(resolve, 5))
  const late = performance.now() - queued
  t.true(late < 10_000, `${late} ms behind the last mail`)
  globalThis.gc?.()
  const after = process.memoryUsage()
  const grown = (after.rss - before.rss) / 1024 ** 2
  // The mails are 10 KB each.
  t.true(grown < 60, `${grown} MiB more`)
  await sender.mail.idle()
  const waiting = sender.mail.queue({ limit: mails * 2 })
  t.is(waiting.length, away.length + mails / 2)
  t.true(waiting.every(({ peer }) => away.includes(peer)))
  t.log(
    `${mails} queued; the last of those present had theirs ${late.toFixed(0)} ms later; ${grown.toFixed(0)} MiB more memory`
  )
})
