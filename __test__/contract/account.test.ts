// Accounts: rules that change while the endpoint runs, invitations, and devices with leases.
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import {
  type Account,
  type AccountOptions,
  type AccountStore,
  holdLease,
  memoryStore,
  openAccount
} from 'fastn-net/account'

interface Side {
  readonly endpoint: Endpoint
  readonly account: Account
}

async function plain(t: ExecutionContext, key: SecretKey = SecretKey.generate()): Promise<Endpoint> {
  const endpoint = await getEndpoint(key, { network: 'loopback', closeTimeout: 500 })
  t.teardown(() => endpoint.close())
  return endpoint
}

async function side(t: ExecutionContext, options: Partial<AccountOptions> = {}): Promise<Side> {
  const key = SecretKey.generate()
  const endpoint = await plain(t, key)
  const account = await openAccount(endpoint, { store: memoryStore(), key, ...options })
  t.teardown(() => account.close())
  return { endpoint, account }
}

const unauthorized = { code: 'ERR_UNAUTHORIZED' }

test('only allowed streams are served, and changes apply immediately', async t => {
  const [{ endpoint, account }, client] = [await side(t), await plain(t)]
  endpoint.listen({ Chat: stream => stream.finish('hello'), Slow: () => sleep(60_000, undefined, { ref: false }) })
  await t.throwsAsync(client.getStream(endpoint.address(), 'Chat'), unauthorized)
  await account.update(draft => {
    draft.aliases.alice = { id52: client.id52 }
    draft.groups.friends = ['family']
    draft.groups.family = ['alice']
    draft.rules = ['Chat', 'Slow'].map(protocol => ({ who: 'friends', protocol, effect: 'allow' }))
  })
  t.is(await (await client.getStream(endpoint.address(), 'Chat')).text(), 'hello')
  t.like(account.explain('alice', 'Chat'), { effect: 'allow', by: 'rule', index: 0 })
  t.is(account.explain('alice', 'Chat').text, 'alice: allow, by rule 0 for friends')
  t.like(account.explain('alice', 'Mail'), {
    effect: 'deny',
    by: 'otherwise',
    text: 'alice: deny, because no rule matches'
  })
  t.like(account.identify(client.id52), { alias: 'alice', groups: ['family', 'friends'], actsFor: [] })
  t.deepEqual(account.peer('alice'), { id52: client.id52 })
  t.throws(() => account.peer('bob'), { code: 'ERR_INVALID_ARGUMENT', message: /no 'bob'/ })
  const open = await client.getStream(endpoint.address(), 'Slow')
  const read = open.read()
  const began = performance.now()
  await account.update(draft => {
    draft.groups.family = []
  })
  await t.throwsAsync(read)
  t.true(performance.now() - began < 100)
  await t.throwsAsync(client.getStream(endpoint.address(), 'Chat'), unauthorized)
})

test('a failed change leaves the account unchanged', async t => {
  let fails = false
  const memory = memoryStore()
  const store: AccountStore = {
    ...memory,
    save: data => (fails ? Promise.reject(new Error('disk full')) : memory.save(data))
  }
  const { account } = await side(t, { store })
  const peer = SecretKey.generate().id52
  const explain = () => account.explain(peer, 'Chat').effect
  const allow = () => account.update(draft => void draft.rules.push({ who: 'everyone', effect: 'allow' }))
  fails = true
  await t.throwsAsync(allow(), { message: 'disk full' })
  t.is(explain(), 'deny')
  fails = false
  const thrown = new Error('mine')
  await t.throwsAsync(
    account.update(draft => {
      draft.rules.push({ who: 'everyone', effect: 'allow' })
      throw thrown
    }),
    { is: thrown }
  )
  await t.throwsAsync(
    account.update(async () => {}),
    { code: 'ERR_INVALID_ARGUMENT', message: /synchronous/ }
  )
  await t.throwsAsync(
    account.update(draft => void draft.rules.push({ who: 'x', effect: 'allow' })),
    { message: /'x'/ }
  )
  t.deepEqual(account.data.rules, [])
  await allow()
  t.is(explain(), 'allow')
  await account.close()
  await t.throwsAsync(allow(), { code: 'ERR_CLOSED' })
})

test('an invitation works once, and both sides then know each other', async t => {
  const [inviting, invited, late] = [await side(t), await side(t), await side(t)]
  await inviting.account.update(draft => {
    draft.groups.friends = []
    draft.rules = [{ who: 'friends', protocol: 'Chat', effect: 'allow' }]
  })
  inviting.endpoint.serve('Chat', () => 'hello')
  const { text, id, until } = await inviting.account.invite({ name: 'bob', groups: ['friends'] })
  t.true(until > Date.now() + 6 * 24 * 3600_000)
  t.false(JSON.stringify(inviting.account.data).includes(text.split('.')[1] as string), 'only the hash is kept')
  t.is(await invited.account.redeem(text, { name: 'alice' }), 'alice')
  t.is(await invited.endpoint.call(invited.account.peer('alice'), 'Chat'), 'hello')
  t.is(inviting.account.identify(invited.endpoint.id52).alias, 'bob')
  t.deepEqual(inviting.account.peer('bob').addresses, invited.endpoint.address().addresses)
  // The same peer may repeat its request: the first answer may have been lost.
  t.is(await invited.account.redeem(text, { name: 'alice' }), 'alice')
  await t.throwsAsync(late.account.redeem(text, { name: 'alice' }), { ...unauthorized, message: /ask for a new one/ })
  t.is(inviting.account.data.invitations[id]?.uses, 0)
})

test('an invitation can have several uses, and be revoked', async t => {
  const inviting = await side(t)
  const guests = [await side(t), await side(t), await side(t)] as const
  const { text, id } = await inviting.account.invite({ name: 'guest', uses: 2 })
  for (const { account } of guests.slice(0, 2)) await account.redeem(text, { name: 'host' })
  t.deepEqual(Object.keys(inviting.account.data.aliases), ['guest', 'guest-2'])
  await t.throwsAsync(guests[2].account.redeem(text, { name: 'host' }), unauthorized)
  const other = await inviting.account.invite({ name: 'guest' })
  t.true(await inviting.account.revokeInvitation(other.id))
  t.false(await inviting.account.revokeInvitation(other.id))
  t.true(await inviting.account.revokeInvitation(id))
  await t.throwsAsync(guests[2].account.redeem(other.text, { name: 'host' }), unauthorized)
  t.deepEqual(guests[2].account.data.aliases, Object.create(null))
})

test('an expired invitation is refused, and removed', async t => {
  const [inviting, invited] = [await side(t), await side(t)]
  const { text } = await inviting.account.invite({ name: 'bob', expiresIn: 50 })
  await sleep(80)
  await t.throwsAsync(invited.account.redeem(text, { name: 'alice' }), unauthorized)
  t.deepEqual(Object.keys(inviting.account.data.invitations), [])
})

test('unknown peers can only redeem invitations, while one is open', async t => {
  const [inviting, stranger] = [await side(t), await plain(t)]
  inviting.endpoint.listen({ Chat: () => t.fail() })
  const address = inviting.endpoint.address()
  const invite = { Generic: { fastn: 'invite', v: 1 } }
  await t.throwsAsync(stranger.call(address, invite, {}), unauthorized)
  await inviting.account.invite({ name: 'bob' })
  const secret = 'A'.repeat(22)
  await t.throwsAsync(stranger.call(address, invite, { secret }), { code: 'ERR_REMOTE' })
  await t.throwsAsync(stranger.call(address, invite, { secret: 1 }), { code: 'ERR_REMOTE' })
  await t.throwsAsync(stranger.call(address, invite, 'x'), { code: 'ERR_REMOTE' })
  await t.throwsAsync(stranger.getStream(address, 'Chat'), unauthorized)
  await t.throwsAsync(stranger.call(address, 'DeviceToAccount', {}), unauthorized)
  // Faster than the rate limit of all unknown peers together.
  const answers = await Promise.allSettled(
    Array.from({ length: 100 }, () => stranger.call(address, invite, { secret }))
  )
  t.true(answers.some(answer => answer.status === 'rejected' && answer.reason.code === 'ERR_BUSY'))
})

test('a device acts for its account, within its scope, until it is removed', async t => {
  const [owner, friend, phone] = [await side(t), await side(t), await plain(t)]
  friend.endpoint.serve(
    'Chat',
    (_: null, { remoteId52 }) => friend.account.identify(remoteId52).actsFor[0]?.account ?? ''
  )
  friend.endpoint.serve('Mail', () => 'mail')
  await friend.account.update(draft => {
    draft.aliases.owner = { id52: owner.endpoint.id52 }
    draft.rules = [{ who: 'owner', effect: 'allow' }]
  })
  await t.throwsAsync(holdLease(phone, owner.endpoint.address()), unauthorized)
  await owner.account.addDevice(phone.id52, { name: 'phone', scope: ['Chat'] })
  await using lease = await holdLease(phone, owner.endpoint.address())
  t.like(lease.current, { device: phone.id52, account: owner.endpoint.id52, scope: ['Chat'] })
  const to = friend.endpoint.address()
  const chat = () => phone.call<string>(to, 'Chat', null)
  await t.throwsAsync(chat(), unauthorized)
  t.is(await lease.use(to, chat), owner.endpoint.id52)
  await t.throwsAsync(
    lease.use(to, () => phone.call(to, 'Mail', null)),
    unauthorized
  )
  t.like(friend.account.explain(phone.id52, 'Chat'), {
    effect: 'allow',
    index: 0,
    lease: { account: owner.endpoint.id52 }
  })
  await owner.account.update(draft => {
    draft.aliases.friend = friend.endpoint.address()
  })
  t.deepEqual(await owner.account.removeDevice(phone.id52, { tell: ['friend'], timeout: 10_000 }), [])
  t.is(lease.current, undefined)
  await t.throwsAsync(chat(), unauthorized)
  await t.throwsAsync(lease.use(to, chat), unauthorized)
})

test('a lease of another device, an unknown account or with a wrong signature is refused', async t => {
  const [owner, friend, phone, thief] = [await side(t), await side(t), await plain(t), await plain(t)]
  await friend.account.update(draft => {
    draft.aliases.guest = { id52: SecretKey.generate().id52 }
  })
  await owner.account.addDevice(phone.id52, { name: 'phone' })
  await using held = await holdLease(phone, owner.endpoint.address())
  const lease = held.current
  const present = (by: Endpoint, shown: unknown) =>
    by.call(friend.endpoint.address(), 'AccountToAccount', { lease: shown } as never)
  await t.throwsAsync(present(phone, lease), { code: 'ERR_REMOTE', message: /unknown here/ })
  await friend.account.update(draft => {
    draft.aliases.owner = { id52: owner.endpoint.id52 }
  })
  await t.throwsAsync(present(thief, lease), { code: 'ERR_REMOTE', message: /another device/ })
  await t.throwsAsync(present(thief, { ...lease, device: thief.id52 }), { code: 'ERR_REMOTE', message: /not signed/ })
  await t.throwsAsync(present(phone, { ...lease, until: 1 }), { code: 'ERR_REMOTE' })
  await t.throwsAsync(present(phone, null), { code: 'ERR_REMOTE' })
  t.deepEqual(friend.account.identify(thief.id52).actsFor, [])
  await t.notThrowsAsync(present(phone, lease))
  t.is(friend.account.identify(phone.id52).actsFor.length, 1)
})

test('errors name invalid arguments', async t => {
  const { account, endpoint } = await side(t, { key: undefined })
  const invalid = (message: RegExp) => ({ code: 'ERR_INVALID_ARGUMENT', message })
  await t.throwsAsync(account.addDevice(SecretKey.generate().publicKey, { name: 'phone' }), invalid(/options\.key/))
  await t.throwsAsync(account.invite({ name: 'bob', groups: ['x'] }), invalid(/no 'x'/))
  await t.throwsAsync(account.invite({ name: 'bob', uses: 0 }), invalid(/options\.uses/))
  await t.throwsAsync(account.invite({ name: 'bob', expiresIn: 0 }), invalid(/expiresIn/))
  await t.throwsAsync(account.redeem('https://example.com', { name: 'bob' }), invalid(/fastn-invite-1/))
  await t.throwsAsync(
    openAccount(endpoint, { store: memoryStore(), key: SecretKey.generate() }),
    invalid(/own SecretKey/)
  )
  await t.throwsAsync(openAccount(endpoint, {} as never), invalid(/options\.store/))
  await t.throwsAsync(openAccount(endpoint, { store: memoryStore() }), { code: 'ERR_PROTOCOL_IN_USE' })
})
