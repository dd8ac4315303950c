// Unauthorized third-party peers: the close code, the refusal, and silence before.
import test from 'ava'
import { acceptor, alpns, echo, echoLine, next, ownCode, pause, refusal } from '../helpers/wire.js'

for (const alpn of alpns) {
  test(`${alpn}: an unauthorized peer sees the connection closed with the code`, async t => {
    const { raw } = await acceptor(t, alpn, echo, { authorize: { peer: () => false } })
    t.regex(await raw.closed(), new RegExp(`\\b${ownCode(alpn, 0x104)}\\b`))
  })

  test(`${alpn}: a peer denied later sees the connection closed with the code`, async t => {
    const { endpoint, peer, raw } = await acceptor(t, alpn)
    const ping = await raw.open('"Ping"\n')
    t.is(await ping.rest(), 'ack\npong\n')
    endpoint.access.deny(peer.id52)
    t.regex(await raw.closed(), new RegExp(`\\b${ownCode(alpn, 0x104)}\\b`))
  })

  test(`${alpn}: answers neither a ping nor a stream before authorization`, async t => {
    let answer: ((may: boolean) => void) | undefined
    const peer = () =>
      new Promise<boolean>(resolve => {
        answer = resolve
      })
    const { raw, streams } = await acceptor(t, alpn, echo, { authorize: { peer } })
    const [ping, stream] = [await raw.open('"Ping"\n'), await raw.open(echoLine)]
    let heard = false
    const [ponged, acked] = [ping.rest(), stream.take(4)]
    for (const answered of [ponged, acked])
      answered.then(
        () => {
          heard = true
        },
        () => {}
      )
    await pause(100)
    t.false(heard)
    answer?.(true)
    t.is(await ponged, 'ack\npong\n')
    t.is(await acked, 'ack\n')
    t.deepEqual((await next(streams)).protocol, echo)
  })

  test(`${alpn}: an unauthorized stream gets the refusal line, and others continue`, async t => {
    let may = false
    const { raw, streams } = await acceptor(t, alpn, echo, { authorize: { stream: () => may } })
    const refused = await raw.open(echoLine)
    t.is(await refused.rest(), '{"error":"unauthorized","message":"this key may not use \'Echo\'"}\n')
    t.is(await refused.stopped(), 0)
    may = true
    const taken = await raw.open(echoLine)
    t.is(await taken.take(4), 'ack\n')
    await next(streams)
  })

  test(`${alpn}: a stream beyond a limit gets the refusal of that limit`, async t => {
    const { raw, streams } = await acceptor(t, alpn, echo, { maxStreamsPerPeer: 1 })
    const held = await raw.open(echoLine)
    t.is(await held.take(4), 'ack\n')
    const ours = await next(streams)
    const refused = await raw.open(echoLine)
    t.regex(await refused.rest(), refusal('too-many-streams'))
    t.deepEqual(ours.protocol, echo)
  })
}
