// We accept, and a raw peer dials and sends every byte: the exchange before the payload.
import test from 'ava'
import type { Protocol } from 'fastn-net'
import {
  accepted,
  acceptor,
  alpns,
  echo,
  echoLine,
  golden,
  next,
  pause,
  protocolOf,
  refusal,
  sayable
} from '../helpers/wire.js'

for (const alpn of alpns) {
  test(`${alpn}: exchanges header, ack, a line each way and both FINs`, async t => {
    const { streams, raw, peer } = await acceptor(t, alpn)
    const theirs = await raw.open(echoLine)
    t.is(await theirs.take(4), 'ack\n')
    const ours = await next(streams)
    t.deepEqual(ours.protocol, echo)
    t.is(ours.remoteId52, peer.id52)
    await theirs.finish('hello\n')
    t.is(await ours.nextString(), 'hello')
    t.is(await ours.read(), null)
    await ours.finish('Response\n')
    t.is(await theirs.rest(), 'Response\n')
  })

  test(`${alpn}: accepts a header split at every byte`, async t => {
    const { streams, raw } = await acceptor(t, alpn)
    for (let at = 1; at < echoLine.length; at++) {
      const theirs = await raw.open(echoLine.slice(0, at))
      await pause()
      await theirs.write(`${echoLine.slice(at)}after ${at}\n`)
      t.is(await theirs.take(4), 'ack\n')
      t.is(await (await next(streams)).nextString(), `after ${at}`)
    }
  })

  test(`${alpn}: accepts a slow header, byte by byte`, async t => {
    const { streams, raw } = await acceptor(t, alpn)
    const theirs = await raw.open()
    for (const byte of `${echoLine}hello\n`) {
      await theirs.write(byte)
      await pause()
    }
    t.is(await theirs.take(4), 'ack\n')
    t.is(await (await next(streams)).nextString(), 'hello')
  })

  test(`${alpn}: accepts every spelling of a protocol, including \\r\\n and {"Tcp":null}`, async t => {
    const known = golden('protocol').canonical.filter(({ written }) => sayable(written) && written !== '"Ping"')
    const protocols = known.map(({ written }) => JSON.parse(written) as Protocol)
    const { streams, raw } = await acceptor(t, alpn, protocols)
    for (const { written, read } of known) {
      for (const text of [written, ...read]) {
        const theirs = await raw.open(`${text}\n`)
        t.is(await theirs.take(4), 'ack\n', text)
        t.deepEqual((await next(streams)).protocol, protocolOf(written), text)
      }
    }
  })

  test(`${alpn}: compares Generic values as JSON: in any key order, and 1 is not 1.0`, async t => {
    const { classes } = golden('protocol')
    const served = new Map(classes.map(texts => [texts, texts.find(text => sayable(text) && text !== '"Ping"')]))
    const protocols = [...served.values()].filter(text => text !== undefined)
    t.true(protocols.length > 10)
    const { streams, raw } = await acceptor(
      t,
      alpn,
      protocols.map(text => JSON.parse(text) as Protocol)
    )
    for (const [texts, known] of served) {
      for (const text of texts) {
        if (text.includes('"Ping"') && !text.includes('Generic')) continue
        const theirs = await raw.open(`${text}\n`)
        if (known === undefined) {
          t.regex(await theirs.rest(), refusal('unsupported'), text)
        } else {
          t.is(await theirs.take(4), 'ack\n', text)
          t.deepEqual((await next(streams)).protocol, protocolOf(known), text)
        }
      }
    }
  })

  test(`${alpn}: accepts a header of 64 KiB and refuses one more byte`, async t => {
    const name = 'x'.repeat(65_536 - '{"Generic":""}'.length)
    const { streams, raw } = await acceptor(t, alpn, { Generic: name })
    const fits = await raw.open(`{"Generic":"${name}"}\n`)
    t.is(await fits.take(4), 'ack\n')
    t.is((await next(streams)).protocol, name)
    const tooLong = await raw.open(`{"Generic":"${name}y"}\n`)
    t.regex(await tooLong.rest(), refusal('header-too-large'))
    t.is(await tooLong.stopped(), 0)
  })

  test(`${alpn}: refuses an endless header at the configured limit`, async t => {
    const acceptor_ = await acceptor(t, alpn, echo, { maxHeaderBytes: 32 })
    const endless = await acceptor_.raw.open('x'.repeat(33))
    t.regex(await endless.rest(), refusal('header-too-large'))
    t.is(await endless.stopped(), 0)
    const [ours] = await accepted(acceptor_)
    t.deepEqual(ours.protocol, echo)
  })

  test(`${alpn}: refuses an invalid protocol, and ends only its stream`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    const [before] = await accepted(acceptor_)
    const texts = golden('protocol').invalid.map(text => Buffer.from(text))
    const bad = [
      ...golden('wire').badHeaders.map(hex => Buffer.from(hex, 'hex')),
      ...texts,
      Buffer.from([0]),
      Buffer.from('"Tcp"\0')
    ]
    for (const header of bad) {
      const theirs = await acceptor_.raw.open(Buffer.concat([header, Buffer.from('\n')]))
      t.regex(await theirs.rest(), refusal('header-invalid'), JSON.stringify(header.toString()))
      t.is(await theirs.stopped(), 0)
    }
    await before.write('still here\n')
    const [after] = await accepted(acceptor_)
    t.deepEqual(after.protocol, echo)
  })

  test(`${alpn}: refuses a truncated header`, async t => {
    const { raw } = await acceptor(t, alpn)
    for (const begun of ['', '"Tc', '"Tcp"', echoLine.trimEnd()]) {
      const theirs = await raw.open()
      await theirs.finish(begun)
      t.regex(await theirs.rest(), refusal('header-invalid'), begun)
    }
  })

  test(`${alpn}: refuses a protocol without a listener`, async t => {
    const { raw } = await acceptor(t, alpn)
    for (const line of ['"Http"', '"Tcp"', '{"Generic":"echo"}', '{"Generic":{"Echo":null}}', '{"Generic":"Ping"}']) {
      const theirs = await raw.open(`${line}\npayload that nobody reads`)
      t.regex(await theirs.rest(), refusal('unsupported'), line)
      t.is(await theirs.stopped(), 0)
    }
  })

  test(`${alpn}: reads the extra line first, and does not wait for it to ack`, async t => {
    const { streams, raw } = await acceptor(t, alpn, 'HttpProxy')
    const extra = '{"Connect":{"addr":"example.com:443"}}'
    const theirs = await raw.open('"HttpProxy"\n')
    t.is(await theirs.take(4), 'ack\n')
    const ours = await next(streams)
    await theirs.write(`${extra}\npayload`)
    t.is(await ours.nextString(), extra)
    t.is(Buffer.from((await ours.read()) ?? '').toString(), 'payload')
    for (const { protocol, extra, hex } of golden('wire').headers) {
      if (protocol !== 'HttpProxy' || extra === null) continue
      const whole = await raw.open(Buffer.from(hex, 'hex'))
      t.is(await whole.take(4), 'ack\n')
      t.is(await (await next(streams)).nextString(), extra)
    }
  })

  test(`${alpn}: accepts payload and FIN before the ack, with the header`, async t => {
    const { streams, raw } = await acceptor(t, alpn)
    const payload = 'x'.repeat(100_000)
    const theirs = await raw.open()
    await theirs.finish(`${echoLine}first\n${payload}`)
    const ours = await next(streams)
    t.is(await ours.nextString(), 'first')
    let text = ''
    for await (const chunk of ours) text += Buffer.from(chunk).toString()
    t.true(text === payload)
    await ours.finish('Response\n')
    t.is(await theirs.rest(), 'ack\nResponse\n')
  })

  test(`${alpn}: answers a ping at once, with FIN, while the dialler's half stays open`, async t => {
    const { raw } = await acceptor(t, alpn)
    for (const line of ['"Ping"\n', '{"Ping":null}\n', ' "Ping"\r\n']) {
      const theirs = await raw.open(line)
      t.is(await theirs.rest(), 'ack\npong\n')
    }
    const whole = await raw.open()
    await whole.finish('"Ping"\n')
    t.is(await whole.rest(), 'ack\npong\n')
  })

  test(`${alpn}: silent, partial and broken headers block no other stream`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    const { raw } = acceptor_
    // Opened and never written: we see it once a later stream sends.
    await raw.open()
    const half = await raw.open('{"Gene')
    const gone = await raw.open('{"Gene')
    await gone.reset(7)
    const [ours, theirs] = await accepted(acceptor_)
    await theirs.finish('hello\n')
    t.is(await ours.nextString(), 'hello')
    t.is(await (await raw.open('"Ping"\n')).rest(), 'ack\npong\n')
    await half.write('ric":"Echo"}\n')
    t.is(await half.take(4), 'ack\n')
  })

  test(`${alpn}: refuses a late header`, async t => {
    const { raw } = await acceptor(t, alpn, echo, { headerTimeout: 100 })
    const silent = await raw.open()
    const half = await raw.open('{"Gene')
    t.regex(await half.rest(), refusal('header-timeout'))
    t.is(await half.stopped(), 0)
    t.regex(await silent.rest(), refusal('header-timeout'))
  })

  test(`${alpn}: 900 silent streams do not block others`, async t => {
    const acceptor_ = await acceptor(t, alpn)
    for (let count = 0; count < 900; count++) await acceptor_.raw.open(count % 2 === 0 ? '' : '"')
    const [ours, theirs] = await accepted(acceptor_)
    await theirs.write('hello\n')
    t.is(await ours.nextString(), 'hello')
  })
}

test('a closing endpoint and an ended listener refuse new streams', async t => {
  const { endpoint, streams, raw } = await acceptor(t, '/fastn-net/1')
  const other = endpoint.acceptBi('Tcp')
  await streams.return()
  t.regex(await (await raw.open(echoLine)).rest(), refusal('unsupported'))
  t.is(await (await raw.open('"Tcp"\n')).take(4), 'ack\n')
  await other.return()
})

test('leaving a loop refuses its queued streams, and resets acked ones with 0', async t => {
  const { endpoint, streams, raw } = await acceptor(t, '/fastn-net/1')
  const held = endpoint.acceptBi('Tcp')
  const acked = await raw.open(echoLine)
  t.is(await acked.take(4), 'ack\n')
  await streams.return()
  t.is(await acked.wasReset(), 0)
  t.is(await acked.stopped(), 0)
  // First bytes in the header's packet: the ack waits for the answer, for at most 20 ms. A slow machine may have sent it earlier.
  let line = ''
  for (let count = 0; count < 50 && line === ''; count++) {
    const loop = endpoint.acceptBi(echo)
    const theirs = await raw.open(`${echoLine}hello`)
    await pause()
    await loop.return()
    line = await theirs.rest().catch(() => '')
    if (line !== '') t.is(await theirs.stopped(), 0)
  }
  t.regex(line, refusal('unsupported'))
  await held.return()
})

test("the kulfi ALPN accepts only kulfi's protocols, and only if enabled", async t => {
  const { streams, raw } = await acceptor(t, '/kulfi/identity/0.1', ['Tcp', echo], { kulfi: true })
  t.is(await (await raw.open('"Tcp"\n')).take(4), 'ack\n')
  t.is((await next(streams)).protocol, 'Tcp')
  t.regex(await (await raw.open(echoLine)).rest(), refusal('unsupported'))
  await t.throwsAsync(acceptor(t, '/kulfi/identity/0.1', 'Tcp'), { message: /no_application_protocol|error 120/ })
})
