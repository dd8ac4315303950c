import test, { type ExecutionContext } from 'ava'
import { getEndpoint, SecretKey } from 'fastn-net'
import { FakeClock } from '../helpers/fake-clock.js'
import { mailPeer } from '../helpers/peers.js'

const [minute, hour, day] = [60_000, 3_600_000, 86_400_000]

/** A sender whose time the test moves, and the key of a peer that is away. */
async function awayPeer(t: ExecutionContext) {
  const clock = new FakeClock()
  const sender = await mailPeer(t, { clock, smtp: false })
  const key = SecretKey.generate()
  const to = `bob@${key.id52}.fastn`
  const pass = (time: number) => clock.pass(time, () => sender.mail.idle())
  const attempts = () => sender.events.filter(({ type, peer }) => type === 'deferred' && peer === key.id52).length
  const raw = 'Subject: hello\r\nX-Test: 1\r\n\r\nsecret\r\n'
  await sender.mail.send({ from: sender.address(), to, raw })
  await sender.mail.idle()
  return { clock, sender, key, to, pass, attempts, raw }
}

test('a peer that is offline for six days: backoff, a warning after 4 hours, a bounce after 5 days', async t => {
  const { sender, to, pass, attempts, key } = await awayPeer(t)
  t.is(attempts(), 1)
  await pass(minute)
  t.is(attempts(), 2)
  await pass(4 * hour - 2 * minute)
  t.true(attempts() >= 7 && attempts() <= 14, `${attempts()} attempts in 4 hours`)
  t.is((await sender.messages()).length, 0)
  await pass(2 * minute)
  const [warning] = (await sender.messages()).map(String)
  t.regex(warning!, /^Subject: Your mail is delayed\r$/m)
  t.regex(warning!, /^Action: delayed\r$/m)
  t.regex(warning!, /^Status: 4\.4\.1\r$/m)
  t.regex(warning!, new RegExp(`^Final-Recipient: rfc822; bob@${key.id52}`, 'm'))
  t.regex(warning!, /^Will-Retry-Until: /m)
  await pass(5 * day - 4 * hour - 2 * minute)
  t.is((await sender.messages()).length, 1)
  t.is(sender.mail.queue().length, 1)
  await pass(2 * minute)
  const bounce = (await sender.messages()).map(String).find(each => each.includes('Action: failed'))
  t.regex(bounce!, /^Content-Type: multipart\/report; report-type=delivery-status;/m)
  t.regex(bounce!, /^Status: 5\.4\.7\r$/m)
  t.regex(bounce!, /^X-Test: 1\r$/m)
  t.regex(bounce!, /^Auto-Submitted: auto-replied\r$/m)
  t.false(bounce!.includes('secret'))
  t.deepEqual(sender.mail.queue(), [])
  t.deepEqual(
    sender.events.filter(({ type }) => type === 'bounced').map(({ to: bounced }) => bounced),
    [[to]]
  )
  await pass(day)
  t.is((await sender.messages()).length, 2)
})

test('a peer that returns after four days gets the mail when it connects', async t => {
  const { sender, key, pass, raw } = await awayPeer(t)
  await pass(4 * day)
  const back = await mailPeer(t, { endpoint: await getEndpoint(key, { network: 'loopback' }), users: { bob: {} } })
  await back.endpoint.ping(sender.endpoint.address())
  await sender.event('delivered', ({ peer }) => peer === key.id52)
  t.deepEqual((await back.messages()).map(String), [raw])
  t.deepEqual(sender.mail.queue(), [])
})

test('a clock jump neither bounces mail early nor delays it', async t => {
  const { clock, sender, pass, attempts } = await awayPeer(t)
  clock.jump(30 * day)
  await pass(hour / 2)
  t.is((await sender.messages()).length, 0)
  const before = attempts()
  t.true(before > 2)
  clock.jump(-60 * day)
  await pass(3 * hour)
  t.true(attempts() > before)
  t.is((await sender.messages()).length, 0)
  await pass(hour)
  t.is((await sender.messages()).length, 1)
  await pass(5 * day)
  t.deepEqual(sender.mail.queue(), [])
  t.is((await sender.messages()).length, 2)
})

test('undeliverable mail with the null sender causes no report', async t => {
  const { sender, to, pass } = await awayPeer(t)
  await sender.mail.send({ from: '', to, raw: 'Subject: receipt\r\n\r\n' })
  await pass(6 * day)
  t.deepEqual(sender.mail.queue(), [])
  t.is((await sender.messages()).length, 2)
  t.is(sender.events.filter(({ type }) => type === 'bounced').length, 2)
})
