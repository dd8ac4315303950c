// Peers that send malformed, oversized or endless requests to the account protocols. Each gets an error, and other peers do not wait.
import test, { type ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint, type PeerAddress, type Protocol, SecretKey } from 'fastn-net'
import { type Account, holdLease, memoryStore, openAccount } from 'fastn-net/account'

interface Side {
  readonly endpoint: Endpoint
  readonly account: Account
}

async function plain(t: ExecutionContext, key: SecretKey = SecretKey.generate()): Promise<Endpoint> {
  const endpoint = await createEndpoint({ key, network: 'loopback', closeTimeout: 200 })
  t.teardown(() => endpoint.close())
  return endpoint
}

async function side(t: ExecutionContext): Promise<Side> {
  const key = SecretKey.generate()
  const endpoint = await plain(t, key)
  const account = await openAccount(endpoint, { store: memoryStore(), key })
  t.teardown(() => account.close())
  return { endpoint, account }
}

const invite: Protocol = { Generic: { fastn: 'invite', v: 1 } }

const malformed: Readonly<Record<string, Uint8Array | string>> = {
  'no JSON': '\u0000\u0001 not JSON\n',
  'half a line': '{"secret":"AAAA',
  'invalid UTF-8': Uint8Array.of(0x22, 0xff, 0xfe, 0x22, 0x0a),
  'a deep nesting': `${'['.repeat(30_000)}\n`,
  'members of objects': '{"__proto__":{"secret":"x"},"constructor":1,"lease":{"__proto__":null},"ended":{}}\n',
  'more than the limit': `{"secret":"${'A'.repeat(200_000)}"}\n`
}

/** Sends bytes, and returns the answer, or the code of the error. */
async function sent(from: Endpoint, to: PeerAddress, protocol: Protocol, bytes: Uint8Array | string): Promise<string> {
  try {
    const stream = await from.getStream(to, protocol)
    const answer = stream.text()
    // The peer may stop a stream that is too long.
    await stream.finish(bytes).catch(() => {})
    return await answer
  } catch (error) {
    return (error as Error & { code?: string }).code ?? String(error)
  }
}

for (const [name, bytes] of Object.entries(malformed)) {
  test(`${name} is an error, and changes nothing`, async t => {
    const [home, guest, device, peer] = [await side(t), await side(t), await plain(t), await plain(t)]
    await home.account.addDevice(device.id52, { name: 'phone' })
    await home.account.update(draft => {
      draft.aliases.peer = { id52: peer.id52 }
    })
    const { text } = await home.account.invite({ name: 'guest' })
    await using lease = await holdLease(device, home.endpoint.address())
    const before = JSON.stringify(home.account.data)
    const to = home.endpoint.address()
    for (const [from, protocol] of [
      [peer, invite],
      [peer, 'AccountToAccount'],
      [device, 'DeviceToAccount']
    ] as const) {
      const answer = await sent(from, to, protocol, bytes)
      // A lease depends only on the sender: the request's content is ignored if it is JSON.
      if (protocol === 'DeviceToAccount' && name === 'members of objects') t.regex(answer, /signature/)
      else t.notRegex(answer, /accepted|signature|"ended"/, `${name}: ${answer}`)
    }
    t.notRegex(await sent(peer, device.address(), 'AccountToDevice', bytes), /"ended"/)
    t.is(JSON.stringify(home.account.data), before)
    t.truthy(lease.current)
    t.is(await guest.account.redeem(text, { name: 'home' }), 'home')
    t.is(await lease.use(to, async () => 'shown').catch(error => error.code), 'ERR_UNAUTHORIZED')
  })
}

test('endless requests do not block other peers', async t => {
  const [home, guest, slow] = [await side(t), await side(t), await plain(t)]
  const { text } = await home.account.invite({ name: 'guest' })
  const to = home.endpoint.address()
  // The account serves four concurrent requests of a peer, and stops the others.
  const halves = Array.from({ length: 8 }, async () => {
    const stream = await slow.getStream(to, invite)
    await stream.write('{"secret":"A')
    return stream
  })
  const open = (await Promise.allSettled(halves)).filter(({ status }) => status === 'fulfilled')
  t.true(open.length >= 4)
  t.is(await guest.account.redeem(text, { name: 'home' }), 'home')
  t.deepEqual(Object.keys(home.account.data.aliases), ['guest'])
})

test('an unknown peer cannot end a lease, nor a peer that of another account', async t => {
  const [home, other, device, stranger] = [await side(t), await side(t), await plain(t), await plain(t)]
  await home.account.addDevice(device.id52, { name: 'phone' })
  await using lease = await holdLease(device, home.endpoint.address())
  await other.account.update(draft => {
    draft.aliases.home = { id52: home.endpoint.id52 }
    draft.aliases.stranger = { id52: stranger.id52 }
  })
  await lease.present(other.endpoint.address())
  const ended = { ended: device.id52 }
  await t.throwsAsync(stranger.call(device.address(), 'AccountToDevice', ended), { code: 'ERR_REMOTE' })
  t.truthy(lease.current)
  // A peer can end only its own leases, and this one has none.
  await stranger.call(other.endpoint.address(), 'AccountToAccount', ended)
  t.is(other.account.identify(device.id52).actsFor.length, 1)
  for (const wrong of ['', 'x'.repeat(52), '../../etc']) {
    const call = stranger.call(other.endpoint.address(), 'AccountToAccount', { ended: wrong })
    await t.throwsAsync(call, { code: 'ERR_REMOTE' }, wrong)
  }
})
