import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { MailError, openMailStore } from 'fastn-mail'
import { type Endpoint, getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { holdLease, memoryStore, openAccount } from 'fastn-net/account'
import { folder, type MailPeer, mailPeer } from '../helpers/peers.js'

const protocol = Protocol.generic({ fastn: 'mail', v: 1 })

async function stranger(t: ExecutionContext): Promise<Endpoint> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  t.teardown(() => endpoint.close())
  return endpoint
}

const raw = Buffer.from('Subject: x\r\n\r\nbody\r\n')

/** Delivers by hand, with some of the header as given, and returns the answer. */
async function deliver(from: Endpoint, to: MailPeer, header = {}, bytes: Uint8Array = raw): Promise<unknown> {
  await using stream = await from.getStream(to.endpoint.address(), protocol)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const own = { id: 'x1', from: `eve@${from.id52}.fastn`, to: [to.address()], size: bytes.length, sha256 }
  await stream.writeJson({ ...own, ...header })
  await stream.finish(bytes).catch(() => {})
  return await stream.nextJson()
}

test('the wire: header, bytes, FIN, and an answer of one line', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false }), await stranger(t)]
  t.deepEqual(await deliver(sender, peer), { status: 'stored' })
  t.deepEqual(await deliver(sender, peer), { status: 'duplicate' })
  t.deepEqual(await deliver(sender, peer, { id: 'x2', to: [peer.address(), 'x@example.org'] }), {
    status: 'stored',
    refused: [{ to: 'x@example.org', code: 'unknown-user', message: 'there is no such mailbox' }]
  })
  t.deepEqual(await peer.messages(), [raw, raw])
})

test('IDs are per sender', async t => {
  const [peer, one, other] = [await mailPeer(t, { smtp: false }), await stranger(t), await stranger(t)]
  t.like(await deliver(one, peer, {}, Buffer.from('one')), { status: 'stored' })
  t.like(await deliver(other, peer, {}, Buffer.from('other')), { status: 'stored' })
  t.deepEqual((await peer.messages()).map(String).sort(), ['one', 'other'])
})

test('the sender must be an address of the peer', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false }), await stranger(t)]
  const other = SecretKey.generate().id52
  for (const from of [`eve@${other}.fastn`, 'eve@example.org', 'eve', peer.address()])
    t.like(await deliver(sender, peer, { from }), { status: 'refused', code: 'from' }, from)
  t.like(await deliver(sender, peer, { from: '' }), { status: 'stored' })
})

test('From and Sender cannot name another identity', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false }), await stranger(t)]
  const other = `me@${SecretKey.generate().id52}.fastn`
  const [name = '', domain = ''] = other.split('@')
  const own = `eve@${sender.id52}.fastn`
  const encoded = `=?utf-8?b?${Buffer.from(other).toString('base64')}?=`
  const foreign = [
    `From: ${other}`,
    `FROM : Me <${other.toUpperCase()}>`,
    `Subject: x\r\nFrom:\r\n Me\r\n\t<${other}>`,
    `From: ${own}, ${other}`,
    `From: ${own}\r\nFrom: ${other}`,
    `From: ${own}\r\nSender: ${other}`,
    `From: "${other}" <${own}>`,
    `From: ${encoded} <${own}>`,
    `From: <${name}@(x) ${domain.slice(0, 9)}(y)${domain.slice(9)}>`,
    `Subject: x\rFrom: ${other}`,
    `Subject: ${'x'.repeat(300_000)}\rFrom: ${other}`,
    `X: ${'x'.repeat(300_000)}\nFrom: ${other}`,
    `From: ${' '.repeat(300_000)}${other}`,
    `From: ${peer.address()}`
  ]
  for (const [at, header] of foreign.entries()) {
    const text = Buffer.from(`${header}\r\n\r\nbody`)
    t.like(
      await deliver(sender, peer, { id: `f${at}` }, text),
      { status: 'refused', code: 'from' },
      header.slice(0, 200)
    )
  }
  t.deepEqual(await peer.messages(), [])
  const fine = [
    `From: Eve <${own}>\r\nSender: ${own.toUpperCase()}\r\nTo: ${other}\r\nReply-To: ${other}`,
    'From: president@example.org',
    `Subject: x\r\n\r\nFrom: ${other}`
  ]
  for (const [at, header] of fine.entries()) {
    const text = Buffer.from(`${header}\r\n\r\nbody`)
    t.deepEqual(await deliver(sender, peer, { id: `o${at}` }, text), { status: 'stored' }, header)
  }
})

test('a device can send as the account of its lease', async t => {
  const key = SecretKey.generate()
  const owner = await getEndpoint(key, { network: 'loopback' })
  t.teardown(() => owner.close())
  const owners = await openAccount(owner, { store: memoryStore(), key })
  const device = await stranger(t)
  await owners.addDevice(device.address(), { name: 'phone' })
  const lease = await holdLease(device, owner.address())
  t.teardown(() => lease.close())
  const endpoint = await stranger(t)
  const account = await openAccount(endpoint, { store: memoryStore() })
  await account.update(draft => {
    draft.aliases.owner = { id52: owner.id52 }
    draft.rules = [{ who: 'owner', effect: 'allow' }]
  })
  const receiver = await mailPeer(t, { endpoint, account, smtp: false })
  const sender = await mailPeer(t, { endpoint: device, lease, smtp: false })
  const from = `ada@${owner.id52}.fastn`
  const written = Buffer.from(`From: ${from}\r\n\r\nbody`)
  await sender.mail.send({ from, to: receiver.address(), raw: written })
  await sender.event('delivered')
  t.deepEqual(await receiver.messages(), [written])
  const eve = await stranger(t)
  await t.throwsAsync(deliver(eve, receiver, { from }), { code: 'ERR_UNAUTHORIZED' })
})

test('rules name peers, groups and rates, and the first decides', async t => {
  const [friend, banned, other, endpoint] = [await stranger(t), await stranger(t), await stranger(t), await stranger(t)]
  const account = await openAccount(endpoint, { store: memoryStore() })
  await account.update(draft => {
    draft.aliases.ann = { id52: friend.id52 }
    draft.aliases.ben = { id52: banned.id52 }
    draft.groups.friends = ['ann', 'ben']
    draft.rules = [{ who: 'everyone', effect: 'allow' }]
  })
  const allow = [
    { who: 'ben', effect: 'deny' as const },
    { who: 'friends', perHour: 2, maxBytes: 100 }
  ]
  const peer = await mailPeer(t, { endpoint, account, allow, smtp: false })
  t.like(await deliver(friend, peer), { status: 'stored' })
  t.like(await deliver(friend, peer, { id: 'x2' }, Buffer.alloc(101)), { status: 'refused', code: 'too-large' })
  const late = (await deliver(friend, peer, { id: 'x3' })) as { retryAfter: number }
  t.like(late, { status: 'later', code: 'rate' })
  t.true(late.retryAfter > 1700 && late.retryAfter <= 1800)
  t.like(await deliver(banned, peer), { status: 'refused', code: 'not-allowed' })
  t.like(await deliver(other, peer), { status: 'refused', code: 'not-allowed' })
})

test('without rules and account, no peer may send', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false, allow: undefined }), await mailPeer(t, { smtp: false })]
  await sender.mail.send({ from: sender.address(), to: peer.address(), raw })
  const { reason } = await sender.event('bounced')
  t.is(reason, 'this peer may not send mail here')
})

test('invalid headers are refused', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false }), await stranger(t)]
  const headers = [
    { id: '' },
    { id: '../x' },
    { id: 'x'.repeat(129) },
    { from: 1 },
    { from: 'a\r\nb' },
    { to: [] },
    { to: 'x' },
    { to: [''] },
    { to: Array(1001).fill(peer.address()) },
    { size: -1 },
    { size: 1.5 },
    { size: '1' },
    { sha256: 'x' }
  ]
  for (const header of headers)
    t.like(
      await deliver(sender, peer, header),
      { status: 'refused', code: 'invalid' },
      JSON.stringify(header).slice(0, 80)
    )
  t.deepEqual(await peer.messages(), [])
})

test('a message that differs from its header is not stored, and leaves nothing behind', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false }), await stranger(t)]
  const sha256 = createHash('sha256').update('another').digest('hex')
  t.like(await deliver(sender, peer, { sha256 }), { status: 'later', code: 'corrupt' })
  for (const size of [raw.length - 1, raw.length + 1, 1024 ** 2])
    t.like(await deliver(sender, peer, { size }), { status: 'later', code: 'corrupt' }, String(size))
  // A sender that dies in the middle.
  const stream = await sender.getStream(peer.endpoint.address(), protocol)
  await stream.writeJson({ id: 'y', from: '', to: [peer.address()], size: 1024 ** 2, sha256 })
  await stream.write(Buffer.alloc(500_000))
  stream.reset(1)
  await peer.event('error')
  t.deepEqual(await peer.messages(), [])
  t.deepEqual(await readdir(join(peer.folder, 'incoming')), [])
})

test('a full mailbox is a temporary failure', async t => {
  const store = await openMailStore({ folder: await folder(t), quotaBytes: 100 })
  const [peer, sender] = [await mailPeer(t, { smtp: false, users: { ada: { store } } }), await stranger(t)]
  t.like(await deliver(sender, peer), { status: 'stored' })
  t.deepEqual(await deliver(sender, peer, { id: 'x2' }, Buffer.alloc(90)), {
    status: 'later',
    code: 'quota',
    message: 'the mailbox is full',
    retryAfter: 600
  })
})

test('a failing disk is a temporary failure that does not mention files', async t => {
  let isFull = true
  const inner = await openMailStore({ folder: await folder(t) })
  const store = {
    ...{ has: inner.has.bind(inner), bytesUsed: inner.bytesUsed.bind(inner), mailboxes: inner.mailboxes.bind(inner) },
    close: inner.close.bind(inner),
    [Symbol.asyncDispose]: inner[Symbol.asyncDispose].bind(inner),
    deliver: async (mail: Parameters<typeof inner.deliver>[0]) => {
      if (isFull) throw new MailError('ERR_STORAGE', 'cannot write /secret: ENOSPC')
      return await inner.deliver(mail)
    }
  }
  const [peer, sender] = [await mailPeer(t, { smtp: false, users: { ada: { store } } }), await stranger(t)]
  const answer = await deliver(sender, peer)
  t.like(answer, { status: 'later', code: 'storage' })
  t.false(JSON.stringify(answer).includes('secret'))
  isFull = false
  t.like(await deliver(sender, peer), { status: 'stored' })
})

test('concurrent mails above the limit are deferred', async t => {
  const [peer, sender] = [await mailPeer(t, { smtp: false, limits: { maxTransfersPerPeer: 2 } }), await stranger(t)]
  const open = async () => {
    const stream = await sender.getStream(peer.endpoint.address(), protocol)
    await stream.writeJson({ id: 'slow', from: '', to: [peer.address()], size: 10, sha256: '0'.repeat(64) })
    return stream
  }
  const held = [await open(), await open()]
  t.like(await deliver(sender, peer), { status: 'later', code: 'busy', retryAfter: 1 })
  for (const stream of held) stream.reset(1)
})
