// Leases of devices: renewed automatically, and lost if the account does not renew them.
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint, SecretKey } from 'fastn-net'
import { holdLease } from 'fastn-net/account'
import { gate } from '../helpers/requests.js'

/**
 * An account that follows docs/wire.md by hand and gives leases of two seconds. `answer` replaces the answer to a request, counted from
 * 1.
 */
async function account(
  t: ExecutionContext,
  answer: (count: number) => unknown = () => undefined
): Promise<{ endpoint: Endpoint; requests: () => number }> {
  const key = SecretKey.generate()
  const endpoint = await createEndpoint({ key, network: 'loopback', closeTimeout: 500 })
  t.teardown(() => endpoint.close())
  let count = 0
  endpoint.serve('DeviceToAccount', async (_: unknown, { remoteId52: device }) => {
    const other = await answer(++count)
    if (other !== undefined) return other
    const from = Math.floor(Date.now() / 1_000)
    const claims = { account: endpoint.id52, device, from, until: from + 2, scope: '*' }
    const signed = `fastn-lease-1\n${JSON.stringify(Object.values(claims))}`
    return { ...claims, signature: Buffer.from(key.sign(new TextEncoder().encode(signed))).toString('hex') }
  })
  return { endpoint, requests: () => count }
}

async function device(t: ExecutionContext): Promise<Endpoint> {
  const endpoint = await createEndpoint({ network: 'loopback', closeTimeout: 500 })
  t.teardown(() => endpoint.close())
  return endpoint
}

test('a lease is renewed after half of its time, again and again', async t => {
  const third = gate()
  const { endpoint } = await account(t, count => {
    if (count === 3) third.open()
  })
  await using lease = await holdLease(await device(t), endpoint.address())
  const first = lease.current
  t.truthy(first)
  await third.opened
  // The answer to the third request is still on its way.
  for (const end = Date.now() + 10_000; lease.current?.signature === first?.signature && Date.now() < end; )
    await sleep(5)
  t.true((lease.current?.until ?? 0) > (first?.until ?? 0))
})

test('a device that the account refuses loses its lease', async t => {
  const second = gate()
  const { endpoint } = await account(t, count => {
    if (count < 2) return undefined
    second.open()
    throw Object.assign(new Error('no device'), { code: 'ERR_UNAUTHORIZED' })
  })
  const phone = await device(t)
  await using lease = await holdLease(phone, endpoint.address())
  await second.opened
  for (const end = Date.now() + 10_000; lease.current !== undefined && Date.now() < end; ) await sleep(5)
  t.is(lease.current, undefined)
  await t.throwsAsync(lease.present(endpoint.address()), { code: 'ERR_UNAUTHORIZED', message: /the lease has ended/ })
})

test('a lease of an account that no longer answers expires, and closing ends the renewals', async t => {
  const { endpoint, requests } = await account(t, count => {
    if (count > 1) throw new Error('out of order')
  })
  const lease = await holdLease(await device(t), endpoint.address())
  const { until = 0 } = lease.current ?? {}
  while (Date.now() <= until * 1_000) await sleep(20)
  t.is(lease.current, undefined)
  const before = requests()
  await lease.close()
  await sleep(100)
  t.is(requests(), before)
})

test('an answer without a lease, or with one of another device or account, is rejected', async t => {
  const other = SecretKey.generate()
  const lease = { account: other.id52, device: other.id52, from: 1, until: 2, scope: '*', signature: '0'.repeat(128) }
  const answers: unknown[] = ['', [], 1, {}, lease, { ...lease, until: 1e99 }, { ...lease, scope: ['x'.repeat(1_000)] }]
  for (const answer of answers) {
    const { endpoint } = await account(t, () => answer)
    const error = await t.throwsAsync(holdLease(await device(t), endpoint.address()))
    t.regex(String((error as Error & { code?: string }).code), /^ERR_(INVALID_ARGUMENT|UNAUTHORIZED|PEER_ADDRESS)$/)
  }
})
