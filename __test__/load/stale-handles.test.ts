// The binding's table: a call with a stale handle, whose slot was reused, reaches nothing.
import test from 'ava'
import { resolveOptions } from '../../dist/modules/endpoint/options.js'
import { getEndpoint, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native/addon.js'
import { answerOf, FAILED, PENDING, RECV_OVER, SEND_OVER } from '../../dist/modules/native/binding.js'
import { handleOf } from '../../dist/modules/native/operations.js'
import { always, startWakeups, waitForWake, wakeWord } from '../../dist/modules/native/wakeups.js'

const rounds = 1_000_000
const places = 2 ** 24
const text = new TextEncoder()

test(`stale handles reach nothing in ${rounds} reuses of their slots`, async t => {
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const listener = server.listen([
    [
      'Tcp',
      async stream => {
        await stream.finish(`${await stream.nextString()}\n`)
      }
    ]
  ])
  startWakeups()
  const addon = native()
  const { binding } = resolveOptions({ network: 'loopback' })
  const endpoint = await handleOf(addon.endpointBind(SecretKey.generate().toBytes(), binding), {})
  const address = server.address()
  const peer = addon.peerAdd(endpoint, { id52: address.id52, addresses: [...address.addresses], relays: [] })
  const view = await handleOf(addon.peerConnect(peer, 10_000), {})

  const bytes = text.encode('not for you\n')
  const into = new Uint8Array(64)
  const out = new Float64Array(16)
  const silent = [
    (late: number) => addon.streamReset(late, 1),
    (late: number) => addon.streamStop(late, 1),
    (late: number) => addon.streamAbandon(late, 1),
    (late: number) => addon.handleRelease(late),
    (late: number) => addon.connectionClose(late, 1, 'late'),
    (late: number) => addon.endpointDrain(late),
    (late: number) => addon.opCancel(late),
    (late: number) => addon.streamIdle(late % places)
  ]
  const failing = [
    (late: number) => answerOf(addon.streamWrite(late, bytes, 0, true, false)),
    (late: number) => answerOf(addon.streamRead(late, into, 0)),
    (late: number) => answerOf(addon.streamAck(late)),
    (late: number) => addon.connectionListenerAccept(late),
    (late: number) => addon.listenerAccept(late, out),
    (late: number) => addon.openTry(late, bytes, 0, 1000, out)
  ]
  let wrong = 0
  const late = (handle: number, at: number) => {
    silent[at % silent.length]!(handle)
    const result = failing[at % failing.length]!(handle)
    if (result !== FAILED || addon.takeError().code !== 'ERR_CLOSED') wrong++
  }

  const past: number[] = []
  let reused = 0
  const used = (handle: number) => {
    if (past.some(one => one % places === handle % places)) reused++
    if (past.includes(handle)) wrong++
    return handle
  }
  const over = (handle: number) => {
    past.push(handle)
    if (past.length > 16) past.shift()
  }

  /** A stream in a reused slot: it works despite stale calls between all its steps. */
  const exchange = async (at: number) => {
    const stream = used(addon.openTry(peer, text.encode('"Tcp"\n'), 0, 1000, out))
    const everyone = () => {
      for (const handle of past) for (let kind = 0; kind < silent.length; kind++) late(handle, at + kind)
    }
    everyone()
    const line = text.encode(`line ${at}\n`)
    const written = addon.streamWrite(stream, line, 0, true, false)
    if (answerOf(written) !== line.length || (written & SEND_OVER) === 0) wrong++
    everyone()
    let got = ''
    for (;;) {
      const result = addon.streamRead(stream, into, 0)
      const count = answerOf(result)
      if (count === PENDING) {
        await waitForWake(wakeWord(stream, 0), undefined, always)
        everyone()
        continue
      }
      // A stale `streamIdle` is for the slot, not the handle: it may find EOF, and keeps the handle.
      if (count === FAILED) wrong++
      got += Buffer.from(into.subarray(0, Math.max(count, 0))).toString()
      if ((result & RECV_OVER) !== 0) break
    }
    if (got !== `line ${at}\n`) wrong++
    over(stream)
    everyone()
  }

  for (let at = 0; at < rounds; at++) {
    if (at % 1000 === 0) await exchange(at)
    const handle = used(addon.endpointListenConnections(endpoint))
    late(past[at % past.length]!, at)
    if (addon.connectionListenerAccept(handle) !== PENDING) wrong++
    addon.handleRelease(handle)
    over(handle)
  }
  addon.handleRelease(view)
  addon.endpointsCloseBeforeExit([endpoint], 1000)
  await server.close()
  await listener.closed

  t.is(wrong, 0)
  t.true(reused > rounds * 0.99, `${reused} of ${rounds} reused a place`)
})
