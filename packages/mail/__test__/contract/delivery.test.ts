import { randomBytes } from 'node:crypto'
import test from 'ava'
import { getEndpoint, SecretKey } from 'fastn-net'
import { mailPeer } from '../helpers/peers.js'

const samples: Record<string, Buffer> = {
  'folded headers': Buffer.from('Subject: one\r\n two\r\n\tthree\r\nX-Empty: \r\n\r\n  indented\r\n\ttabbed  \r\n'),
  dots: Buffer.from('Subject: dots\r\n\r\n.\r\n..\r\n.a\r\na.\r\n\r\n.\r\n'),
  '8 bit': Buffer.concat([Buffer.from('Subject: \xe9\r\n\r\n', 'latin1'), Buffer.from([0xff, 0xfe, 0x80, 0x0d, 0x0a])]),
  empty: Buffer.alloc(0),
  'no line end': Buffer.from('Subject: x\r\n\r\nno line end'),
  'a header of 1 MiB': Buffer.from(`Subject: ${'x'.repeat(1 << 20)}\r\n\r\n`)
}

for (const [name, raw] of Object.entries(samples)) {
  test(`a mail arrives byte for byte: ${name}`, async t => {
    const [sender, receiver] = [await mailPeer(t), await mailPeer(t)]
    await sender.mail.send({ from: sender.address(), to: receiver.address(), raw })
    await sender.event('delivered')
    t.deepEqual(await receiver.messages(), [raw])
    t.deepEqual(sender.mail.queue(), [])
  })
}

test('a mail of 50 MiB arrives byte for byte', async t => {
  const [sender, receiver] = [await mailPeer(t), await mailPeer(t)]
  const raw = randomBytes(50 * 1024 ** 2)
  await sender.mail.send({ from: sender.address(), to: receiver.address(), raw })
  await sender.event('delivered')
  const [found] = await receiver.messages()
  t.true(found?.equals(raw))
})

test('a mail to oneself, and to several aliases of one peer, arrives once in each mailbox', async t => {
  const users = { ada: { aliases: ['a', 'countess'] }, bob: {} }
  const [sender, receiver] = [await mailPeer(t, { users }), await mailPeer(t, { users })]
  const raw = Buffer.from('Subject: x\r\n\r\n')
  const to = [sender.address('Bob'), sender.address(), ...['a', 'ada+x', 'COUNTESS', 'bob'].map(receiver.address)]
  await sender.mail.send({ from: sender.address(), to, raw })
  await sender.event('delivered', event => event.peer === sender.endpoint.id52)
  await sender.event('delivered', event => event.peer === receiver.endpoint.id52)
  for (const peer of [sender, receiver])
    for (const user of ['ada', 'bob']) t.deepEqual(await peer.messages(user), [raw], user)
  t.is(receiver.events.filter(({ type }) => type === 'received').length, 1)
})

test('the null sender', async t => {
  const [sender, receiver] = [await mailPeer(t), await mailPeer(t)]
  const raw = Buffer.from('Subject: receipt\r\n\r\n')
  await sender.mail.send({ from: '', to: receiver.address(), raw })
  await sender.event('delivered')
  t.deepEqual(await receiver.messages(), [raw])
})

test('mail is queued for an offline peer, and sent when it connects', async t => {
  const sender = await mailPeer(t)
  const key = SecretKey.generate()
  const endpoint = await getEndpoint(key, { network: 'loopback' })
  const absent = await mailPeer(t, { endpoint })
  await absent.mail.close()
  const raw = Buffer.from('Subject: later\r\n\r\n')
  const id = await sender.mail.send({ from: sender.address(), to: absent.address(), raw })
  await sender.event('deferred')
  const queue = sender.mail.queue()
  t.like(queue, { 0: { id, peer: absent.endpoint.id52, size: raw.length }, length: 1 })
  t.true((queue[0]?.nextAt ?? 0) > Date.now())
  t.not(queue[0]?.reason, '')
  await absent.endpoint.close()
  const again = await getEndpoint(key, { network: 'loopback' })
  const back = await mailPeer(t, { folder: absent.folder, endpoint: again })
  await back.endpoint.ping(sender.endpoint.address())
  await sender.event('delivered')
  t.deepEqual(await back.messages(), [raw])
})

test('an unknown recipient is reported to the sender, and the others get the mail', async t => {
  const users = { ada: {}, bob: {} }
  const [sender, receiver] = [await mailPeer(t), await mailPeer(t, { users })]
  const raw = Buffer.from('Subject: hello\r\nX-Test: 1\r\n\r\nbody\r\n')
  const to = [receiver.address('ada'), receiver.address('nobody')]
  await sender.mail.send({ from: sender.address(), to, raw })
  await sender.event('bounced')
  await sender.event('delivered', event => event.peer === sender.endpoint.id52)
  t.deepEqual(await receiver.messages('ada'), [raw])
  const [report] = await sender.messages()
  t.regex(String(report), /^Content-Type: multipart\/report; report-type=delivery-status;/m)
  t.regex(String(report), new RegExp(`^Final-Recipient: rfc822; nobody@${receiver.endpoint.id52}`, 'm'))
  t.regex(String(report), /^Status: 5\.1\.1\r$/m)
  t.regex(String(report), /^X-Test: 1\r$/m)
  t.false(String(report).includes('body\r\n'))
  t.deepEqual(sender.mail.queue(), [])
})
