// We dial, and a raw peer accepts and sends every byte: the connection, the header, and the lines in place of the ack.
import test from 'ava'
import type { Endpoint, PeerStream } from 'fastn-net'
import {
  alpns,
  behindRefusal,
  dialler,
  echo,
  echoLine,
  endpointFor,
  failure,
  golden,
  opened,
  opening,
  ownCode,
  pause,
  rawPeerFor
} from '../helpers/wire.js'

for (const alpn of alpns) {
  test(`${alpn}: exchanges header, ack, a line each way and both FINs`, async t => {
    const dialler_ = await dialler(t, alpn)
    const [opens, theirs] = await opening(dialler_)
    t.is(await theirs.take(echoLine.length), echoLine)
    await theirs.write('ack\n')
    const ours = await opens
    t.is(ours.remoteId52, dialler_.peer.id52)
    t.is(ours.connection.alpn, alpn)
    await ours.finish('hello\n')
    t.is(await theirs.rest(), 'hello\n')
    await theirs.finish('Response\n')
    t.is(await ours.nextString(), 'Response')
    t.is(await ours.read(), null)
  })

  test(`${alpn}: writes headers byte for byte, with and without an extra line`, async t => {
    const dialler_ = await dialler(t, alpn)
    for (const { protocol, extra, hex } of golden('wire').headers) {
      const bytes = Buffer.from(hex, 'hex')
      const [opens, theirs] = await opening(dialler_, protocol, extra === null ? {} : { extra })
      t.is(await theirs.take(bytes.length), bytes.toString())
      await theirs.write('ack\n')
      await (await opens).finish()
      t.is(await theirs.rest(), '')
    }
  })

  test(`${alpn}: accepts an ack split at every byte, and one followed by payload`, async t => {
    const dialler_ = await dialler(t, alpn)
    const answer = 'ack\nhello\n'
    for (let at = 1; at <= answer.length; at++) {
      const [opens, theirs] = await opening(dialler_)
      await theirs.write(answer.slice(0, at))
      await pause()
      await theirs.write(answer.slice(at))
      t.is(await (await opens).nextString(), 'hello', `split at ${at}`)
    }
  })

  test(`${alpn}: getStream waits for the ack`, async t => {
    const [opens, theirs] = await opening(await dialler(t, alpn))
    let done = false
    void opens.then(() => {
      done = true
    })
    await theirs.take(echoLine.length)
    await theirs.write('ack')
    await pause(50)
    t.false(done)
    await theirs.write('\n')
    await opens
  })

  test(`${alpn}: with ack later, payload and FIN are sent with the header`, async t => {
    const dialler_ = await dialler(t, alpn)
    const [opens, theirs] = await opening(dialler_, echo, { ack: 'later' })
    const ours = await opens
    await ours.finish('hello\n')
    t.is(await theirs.rest(), `${echoLine}hello\n`)
    await theirs.finish('ack\nResponse\n')
    t.is(await ours.nextString(), 'Response')
    await ours.closed
  })

  test(`${alpn}: a missing ack fails getStream in time`, async t => {
    let dialler_ = await dialler(t, alpn, { ackTimeout: 1000 })
    for (const answer of ['', 'ac']) {
      const [opens, theirs] = await opening(dialler_)
      await theirs.write(answer)
      t.like(await failure(opens), { code: 'ERR_ACK_TIMEOUT', peer: dialler_.peer.id52, protocol: echo })
      t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
      dialler_ = await behindRefusal(dialler_)
    }
    const [ours, theirs] = await opened(dialler_)
    await ours.finish('the connection is as good as before\n')
    t.regex(await theirs.rest(), /as good/)
  })

  test(`${alpn}: a missing ack fails openBi in time`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn, { ackTimeout: 1000 })
    const opens = (await endpoint.connect(peer.address)).openBi(echo)
    opens.catch(() => {})
    const theirs = await raw.accept()
    t.like(await failure(opens), { code: 'ERR_ACK_TIMEOUT' })
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
  })

  test(`${alpn}: aborting getStream resets the stream`, async t => {
    const dialler_ = await dialler(t, alpn)
    const controller = new AbortController()
    const [opens, theirs] = await opening(dialler_, echo, { signal: controller.signal })
    await theirs.take(echoLine.length)
    controller.abort(new Error('enough'))
    t.is(await failure(opens), controller.signal.reason)
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
  })

  test(`${alpn}: maps each refusal to its error`, async t => {
    let dialler_ = await dialler(t, alpn)
    for (const { error, message, becomes, hex } of golden('wire').refusals) {
      const [opens, theirs] = await opening(dialler_)
      await theirs.take(echoLine.length)
      await theirs.finish(Buffer.from(hex, 'hex'))
      const refused = await failure(opens)
      t.like(refused, { code: becomes, remoteCode: error, peer: dialler_.peer.id52, protocol: echo })
      t.true(refused.message.includes(JSON.stringify(message || error)), refused.message)
      t.is(await theirs.wasReset(), 0)
      dialler_ = await behindRefusal(dialler_)
    }
    await opened(dialler_)
  })

  test(`${alpn}: any line other than ack is a refusal, shown without control characters`, async t => {
    let dialler_ = await dialler(t, alpn)
    for (const { what, hex, refused } of golden('wire').answers) {
      const [opens, theirs] = await opening(dialler_)
      await theirs.write(Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from('\n')]))
      if (refused === null) {
        await opens
        continue
      }
      const code = refused.error === 'busy' ? 'ERR_BUSY' : 'ERR_REFUSED'
      const error = await failure(opens)
      t.like(error, { code, remoteCode: refused.error }, what)
      t.true(error.message.includes(JSON.stringify(refused.message).slice(1, -1)), what)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is the point.
      t.notRegex(error.message, /[\u0000-\u001f\u007f-\u009f]/, what)
      dialler_ = await behindRefusal(dialler_)
    }
  })

  test(`${alpn}: fails on FIN, a partial line, a reset or a flood instead of the ack`, async t => {
    let dialler_ = await dialler(t, alpn)
    for (const half of ['', 'ac', 'ack', '{"error":"busy"', 'no']) {
      const [opens, theirs] = await opening(dialler_)
      await theirs.finish(half)
      t.like(await failure(opens), { code: 'ERR_REFUSED' }, half)
      dialler_ = await behindRefusal(dialler_)
    }
    const [flooded, flood] = await opening(dialler_)
    const flooding = flood.write('x'.repeat(100_000))
    t.like(await failure(flooded), { code: 'ERR_REFUSED' })
    await flooding.catch(() => {})
    dialler_ = await behindRefusal(dialler_)
    const [opens, theirs] = await opening(dialler_)
    await theirs.reset(9)
    // The reset may overtake the ack.
    t.like(await failure(opens), { code: 'ERR_STREAM_RESET', errorCode: 9 })
    t.is(await theirs.wasReset(), ownCode(alpn, 0x101))
    const [later, laterRaw] = await opening(dialler_, echo, { ack: 'later' })
    const ours = await later
    await laterRaw.reset(9)
    t.like(await failure(ours.read()), { code: 'ERR_STREAM_RESET', errorCode: 9 })
    await ours.finish('the other half goes on')
    t.regex(await laterRaw.rest(), /goes on$/)
    const [both, bothRaw] = await opening(dialler_, echo, { ack: 'later' })
    const failed = await both
    await bothRaw.reset(9)
    await bothRaw.stop(8)
    t.like(await failure(failed.write(new Uint8Array(32 * 1024 * 1024))), { code: 'ERR_STREAM_STOPPED', errorCode: 8 })
    t.like(await failure(failed.read()), { code: 'ERR_STREAM_RESET', errorCode: 9 })
    await opened(dialler_)
  })

  test(`${alpn}: a late refusal fails pending and later calls`, async t => {
    const dialler_ = await dialler(t, alpn)
    const [opens, theirs] = await opening(dialler_, echo, { ack: 'later' })
    const ours = await opens
    const calls = [ours.read(), ours.write(new Uint8Array(64 * 1024 * 1024)), ours.closed]
    for (const call of calls) call.catch(() => {})
    await theirs.take(echoLine.length)
    await theirs.finish('{"error":"unauthorized","message":"not you"}\n')
    await theirs.stop(0)
    for (const call of calls) t.like(await failure(call), { code: 'ERR_UNAUTHORIZED', remoteCode: 'unauthorized' })
    for (const call of laterCalls(ours)) t.like(await failure(call), { code: 'ERR_UNAUTHORIZED' })
  })

  test(`${alpn}: a refusal after finish fails the read`, async t => {
    const dialler_ = await dialler(t, alpn)
    const [opens, theirs] = await opening(dialler_, echo, { ack: 'later' })
    const ours = await opens
    await ours.finish('hello\n')
    await theirs.rest()
    await theirs.finish('{"error":"busy","message":"try later"}\n')
    t.like(await failure(ours.nextString()), { code: 'ERR_BUSY', remoteCode: 'busy' })
  })

  test(`${alpn}: a refusal without a pending call fails the next call`, async t => {
    const dialler_ = await dialler(t, alpn)
    const [opens, theirs] = await opening(dialler_, echo, { ack: 'later' })
    const ours = await opens
    await ours.finish('hello\n')
    await theirs.rest()
    await theirs.finish('{"error":"busy","message":"try later"}\n')
    await theirs.stopped()
    await pause(20)
    t.like(await failure(ours.read()), { code: 'ERR_BUSY', remoteCode: 'busy' })
    t.like(await failure(ours.read()), { code: 'ERR_BUSY', remoteCode: 'busy' })
  })

  test(`${alpn}: a ping keeps its sending half open until it is answered`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn)
    const ping = endpoint.ping(peer.address)
    const theirs = await raw.accept()
    t.is(await theirs.take(7), '"Ping"\n')
    let ended = false
    const rest = theirs.rest().then(text => {
      ended = true
      return text
    })
    await pause(50)
    t.false(ended)
    await theirs.finish('ack\npong\n')
    t.true((await ping) > 0)
    t.is(await rest, '')
  })

  test(`${alpn}: a ping that is answered wrongly, refused or ignored fails`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn, { pingTimeout: 2000 })
    for (const answer of ['ack\npang\n', 'ack\n', 'ack\npo', 'ack\npong', 'ack\nPONG\n']) {
      const ping = endpoint.ping(peer.address)
      ping.catch(() => {})
      await (await raw.accept()).finish(answer)
      t.like(await failure(ping), { code: 'ERR_PING', peer: peer.id52 }, answer)
    }
    const ping = endpoint.ping(peer.address)
    ping.catch(() => {})
    await raw.accept()
    t.like(await failure(ping), { code: 'ERR_PING', peer: peer.id52 })
  })

  test(`${alpn}: maps a peer's close to its error`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn)
    const connection = await endpoint.connect(peer.address)
    const opens = endpoint.getStream(peer.address, echo, { retry: false })
    opens.catch(() => {})
    await raw.accept()
    raw.close(0x104, 'not you')
    t.like(await failure(opens), { code: 'ERR_UNAUTHORIZED', errorCode: 0x104 })
    t.deepEqual(await connection.closed, { code: 0x104, reason: 'not you', by: 'peer' })
  })

  test(`${alpn}: closes connections with the right codes`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn)
    const connection = await endpoint.connect(peer.address)
    connection.close(77, 'enough')
    t.regex(await raw.closed(), /enough.*77/)
    const accepting = peer.accept()
    await endpoint.connect(peer.address)
    const again = await accepting
    await endpoint.close()
    t.regex(await again.closed(), new RegExp(`code ${ownCode(alpn, 0x103)}\\b`))
  })
}

test('reopens a stream although the peer was given another address meanwhile', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  await endpoint.connect(peer.address)
  const opens = endpoint.getStream({ ...peer.address }, echo)
  const first = await raw.accept()
  t.is(await first.take(echoLine.length), echoLine)
  // The endpoint tracks the peer again, with both addresses.
  const other = { ...peer.address, addresses: ['127.0.0.1:9', ...(peer.address.addresses ?? [])] }
  const also = endpoint.getStream(other, echo)
  await raw.accept()
  const accepting = peer.accept()
  // Promises that no stream was handed to a handler.
  raw.close(0x102, 'superseded')
  const again = await accepting
  for (const _ of [opens, also]) await (await again.accept()).write('ack\n')
  t.is((await opens).remoteId52, peer.id52)
  t.is((await also).remoteId52, peer.id52)
})

test('prefers the newer ALPN and falls back to the older one', async t => {
  const endpoint = await endpointFor(t)
  for (const [offered, agreed] of [
    [['/fastn-net/1', '/fastn/entity/0.1'], '/fastn-net/1'],
    [['/kulfi/identity/0.1', '/fastn/entity/0.1'], '/fastn/entity/0.1']
  ] as const) {
    const peer = await rawPeerFor(t, ...offered)
    const accepting = peer.accept()
    t.is((await endpoint.connect(peer.address)).alpn, agreed)
    t.is((await accepting).alpn, agreed)
  }
})

test('reaches a kulfi-only peer if kulfi is enabled', async t => {
  const peer = await rawPeerFor(t, '/kulfi/identity/0.1')
  const kulfi = await endpointFor(t, { kulfi: true })
  const accepting = peer.accept()
  t.is((await kulfi.connect(peer.address)).alpn, '/kulfi/identity/0.1')
  const raw = await accepting
  const opens = kulfi.getStream(peer.address, 'Http')
  const theirs = await raw.accept()
  t.is(await theirs.take(7), '"Http"\n')
  await theirs.write('ack\n')
  await opens
  const other = await endpointFor(t)
  // It goes on accepting, so that the refusal is the handshake's own.
  peer.accept().catch(() => {})
  t.like(await failure(other.connect(peer.address)), { code: 'ERR_PROTOCOL_UNSUPPORTED', peer: peer.id52 })
})

test('on the newer ALPN, streams use the connection of either dialler', async t => {
  const endpoint = await endpointFor(t)
  t.teardown(serve(endpoint))
  const peer = await rawPeerFor(t, '/fastn-net/1')
  const raw = await peer.connect(endpoint.address(), '/fastn-net/1')
  t.is(await (await raw.open('"Ping"\n')).rest(), 'ack\npong\n')
  const opens = endpoint.getStream(peer.address, echo)
  const theirs = await raw.accept()
  t.is(await theirs.take(echoLine.length), echoLine)
  await theirs.write('ack\n')
  t.false((await opens).connection.dialled)
})

test('on the older ALPN, opens no stream on a connection that the peer dialled', async t => {
  const endpoint = await endpointFor(t)
  t.teardown(serve(endpoint))
  const peer = await rawPeerFor(t, '/fastn/entity/0.1')
  const inbound = await peer.connect(endpoint.address(), '/fastn/entity/0.1')
  t.is(await (await inbound.open('"Ping"\n')).rest(), 'ack\npong\n')
  const accepting = peer.accept()
  const opens = endpoint.getStream(peer.address, echo)
  const theirs = await (await accepting).accept()
  t.is(await theirs.take(echoLine.length), echoLine)
  await theirs.write('ack\n')
  t.true((await opens).connection.dialled)
  t.is(await (await inbound.open('"Ping"\n')).rest(), 'ack\npong\n')
})

test('on the newer ALPN, the peer may open streams on a connection that we dialled', async t => {
  const dialler_ = await dialler(t, '/fastn-net/1')
  const streams = dialler_.endpoint.acceptBi(echo)
  const theirs = await dialler_.raw.open(echoLine)
  t.is(await theirs.take(4), 'ack\n')
  const { value: ours } = await streams.next()
  t.true(ours?.connection.dialled)
})

test('concurrent getStream calls to a peer share one dial', async t => {
  const endpoint = await endpointFor(t)
  const peer = await rawPeerFor(t, '/fastn-net/1')
  const all = Array.from({ length: 20 }, () => endpoint.getStream(peer.address, echo))
  const raw = await peer.accept()
  for (let count = 0; count < all.length; count++) await (await raw.accept()).write('ack\n')
  const connections = new Set(
    (await Promise.all(all)).map(stream => stream.connection.rtt !== null && stream.remoteId52)
  )
  t.is(connections.size, 1)
})

/** Makes the endpoint accept connections, until the returned function is called. */
function serve(endpoint: Endpoint): () => Promise<unknown> {
  const streams = endpoint.acceptBi('Tcp')
  return () => streams.return()
}

function laterCalls(stream: PeerStream): Promise<unknown>[] {
  return [stream.read(), stream.write('x'), stream.finish(), stream.nextString(), stream.closed]
}
