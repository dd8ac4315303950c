import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { send } from '../../dist/deliver/send.js'
import { folder, mailPeer } from '../helpers/peers.js'

/** An endpoint with a key of its own, as the original takes for each mail. */
async function stranger(t: ExecutionContext): Promise<Endpoint> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  t.teardown(() => endpoint.close())
  return endpoint
}

/** Sends what the original sends, and returns its answer. */
async function ask(t: ExecutionContext, to: Endpoint, line: string): Promise<unknown> {
  const endpoint = await stranger(t)
  await using stream = await endpoint.getStream(to.address(), 'EmailDelivery')
  // A refusal does not wait for all of it.
  await stream.finish(line).catch(() => {})
  return await stream.nextJson()
}

function message(raw: Uint8Array, to: string, from = 'alice@example.fastn'): string {
  return `${JSON.stringify({ Email: { raw_message: [...raw], envelope_from: from, envelope_to: to } })}\n`
}

const refusal = /^Processing failed: /

test('mail of the original is refused by default, with an error', async t => {
  const peer = await mailPeer(t, { smtp: false })
  const to = `user@${peer.endpoint.id52}.local`
  const answer = (await ask(t, peer.endpoint, message(Buffer.from('Subject: x\r\n\r\n'), to))) as { message: string }
  t.like(answer, { code: 'PROCESSING_ERROR' })
  t.regex(answer.message, refusal)
  t.deepEqual(await peer.messages(), [])
})

test('mail of the original is stored in Junk, or in INBOX, byte for byte, and once', async t => {
  for (const [legacy, mailbox] of [
    ['junk', 'Junk'],
    ['accept', undefined]
  ] as const) {
    const peer = await mailPeer(t, { smtp: false, legacy })
    const raw = randomBytes(300_000)
    const to = `user@${peer.endpoint.id52}.local`
    for (const _ of [1, 2]) t.like(await ask(t, peer.endpoint, message(raw, to)), { status: 'accepted' })
    t.deepEqual(await peer.messages('ada', mailbox), [raw])
  }
})

test('serde writes the members in any order and with spaces', async t => {
  const peer = await mailPeer(t, { smtp: false, legacy: 'accept' })
  const to = `user@${peer.endpoint.id52}.local`
  const from = JSON.stringify('x"raw_message":[1]')
  const line = `{ "Email" : {"envelope_to":"${to}","envelope_from":${from}, "raw_message" :\t[ 97 , 98,\t255 ] } }\r\n`
  t.like(await ask(t, peer.endpoint, line), { status: 'accepted' })
  t.deepEqual(await peer.messages(), [Buffer.from([97, 98, 255])])
})

test('invalid mail gets an error of the original, and stores nothing', async t => {
  const peer = await mailPeer(t, {
    smtp: false,
    legacy: 'accept',
    limits: { maxMessageBytes: 1000, legacyPerHour: 100 }
  })
  const to = `user@${peer.endpoint.id52}.local`
  const other = `user@${SecretKey.generate().id52}.local`
  const inside = (numbers: string) =>
    `{"Email":{"raw_message":[${numbers}],"envelope_from":"","envelope_to":"${to}"}}\n`
  const lines = {
    'another peer': message(Buffer.from('x'), other),
    'no address': message(Buffer.from('x'), 'user'),
    'too large': message(Buffer.alloc(1001), to),
    'too long besides': message(Buffer.from('x'), to, 'x'.repeat(70_000)),
    '256': inside('256'),
    negative: inside('-1'),
    'two numbers': inside('1 2'),
    'no number': inside('1,,2'),
    'a comma at the end': inside('1,'),
    text: inside('"x"'),
    nested: inside('[1]'),
    'no JSON': 'Subject: x\n',
    'another message': '{"Email":{"raw_message":[]}}\n',
    'two lists': `{"Email":{"raw_message":[1],"raw_message":[2],"envelope_from":"","envelope_to":"${to}"}}\n`,
    nothing: ''
  }
  for (const [name, line] of Object.entries(lines))
    t.like(await ask(t, peer.endpoint, line), { code: 'PROCESSING_ERROR' }, name)
  t.deepEqual(await peer.messages(), [])
})

test('mail of the original has one rate for all senders', async t => {
  const peer = await mailPeer(t, { smtp: false, legacy: 'accept', limits: { legacyPerHour: 2 } })
  const to = `user@${peer.endpoint.id52}.local`
  const answers = []
  for (const each of ['1', '2', '3']) answers.push(await ask(t, peer.endpoint, message(Buffer.from(each), to)))
  t.like(answers, { 0: { status: 'accepted' }, 1: { status: 'accepted' }, 2: { code: 'PROCESSING_ERROR' } })
  t.is((await peer.messages()).length, 2)
})

test('mail to a peer of the original uses its format, and refusals are retried', async t => {
  const [original, sender] = [await stranger(t), await stranger(t)]
  const lines: unknown[] = []
  const answers = [
    { email_id: 'processed', status: 'accepted' },
    { message: 'Processing failed: full', code: 'PROCESSING_ERROR' }
  ]
  original.listen({
    async EmailDelivery(stream) {
      lines.push(await stream.nextJson({ maxBytes: 100 * 1024 ** 2 }))
      await stream.finish(`${JSON.stringify(answers.shift())}\n`)
    }
  })
  const raw = randomBytes(100_000)
  const path = join(await folder(t), 'message')
  await writeFile(path, raw)
  // Both ends of this test offer the newer ALPN: only what the sender sees of it is the original's.
  const endpoint = {
    connect: async () => ({ alpn: '/fastn/entity/0.1', async [Symbol.asyncDispose]() {} }),
    getStream: sender.getStream.bind(sender)
  } as unknown as Endpoint
  const transport = { endpoint, address: () => original.address(), lease: undefined, dialTimeout: 10_000 }
  const from = `ada@${sender.id52}.fastn`
  const to = [`bob@${original.id52}.fastn`]
  const delivery = { seq: 1, id: 'x', from, size: raw.length, sha256: '', queuedAt: 0, peer: original.id52, to }
  const queued = { ...delivery, attempts: 0, nextAt: 0, warned: false, reason: '' }
  const signal = new AbortController().signal
  t.deepEqual(await send(queued, path, transport, () => {}, signal), { status: 'stored' })
  const email = { raw_message: [...raw], envelope_from: from, envelope_to: `user@${original.id52}.local` }
  t.deepEqual(lines, [{ Email: email }])
  t.like(await send(queued, path, transport, () => {}, signal), { status: 'later', message: 'Processing failed: full' })
})
