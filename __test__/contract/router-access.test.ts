// The router: the targets that peers may use, and the fields that targets get about peers.
import { domainToASCII } from 'node:url'
import test from 'ava'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { memoryStore, openAccount } from 'fastn-net/account'
import { createRouter, type RouterContext } from 'fastn-net/router'
import { failureOf, requestPair } from '../helpers/requests.js'
import { ask, webServer } from '../helpers/web.js'

const whoAsks = (request: Request, context: RouterContext) =>
  Response.json({
    ...context,
    headers: Object.fromEntries([...request.headers].filter(([name]) => name.startsWith('fastn')))
  })

/** An endpoint on loopback that is closed when the test ends. */
async function loopback(
  t: { teardown(end: () => Promise<unknown>): void },
  key = SecretKey.generate()
): Promise<Endpoint> {
  const endpoint = await getEndpoint(key, { network: 'loopback', closeTimeout: 500 })
  t.teardown(() => endpoint.close())
  return endpoint
}

test('peers reach the targets that allow them, with the access level remote', async t => {
  const { client, server, peer } = await requestPair(t)
  const other = await loopback(t)
  await using service = await webServer()
  await using router = await createRouter({
    endpoint: server,
    home: { handler: whoAsks, allow: 'public' },
    hosts: {
      local: whoAsks,
      listed: { handler: whoAsks, allow: [client.publicKey] },
      own: { handler: whoAsks, allow: 'self' },
      server: { backend: service.port, allow: 'public' }
    }
  })
  const forged = { 'fastn-access': 'local', 'fastn-peer': 'x', fastn_groups: 'admins', 'fastn-alias': 'x' }
  const home = await client.fetch(peer, '/', { headers: forged })
  t.deepEqual(await home.json(), {
    access: 'remote',
    peer: client.id52,
    groups: [],
    headers: { 'fastn-access': 'remote', 'fastn-peer': client.id52 }
  })
  const status = async (from: Endpoint, service: string) => (await from.fetch(peer, '/', { service })).status
  t.is(await status(client, 'listed'), 200)
  t.is(await status(other, 'listed'), 403)
  t.is(await status(client, 'own'), 403)
  t.is((await failureOf(client.fetch(peer, '/', { service: 'local' }))).code, 'ERR_PROTOCOL_UNSUPPORTED')
  const { headers } = (await (await client.fetch(peer, '/', { service: 'server', headers: forged })).json()) as {
    headers: Record<string, string>
  }
  t.like(headers, {
    'fastn-access': 'remote',
    'fastn-peer': client.id52,
    'fastn-alias': undefined,
    fastn_groups: undefined
  })
  t.is((await ask(router.port, 'local.localhost')).status, 200)
})

test('targets receive aliases and groups, and allow them by name', async t => {
  const { client, server, peer } = await requestPair(t)
  const other = await loopback(t)
  const account = await openAccount(server, { store: memoryStore() })
  await account.update(draft => {
    draft.aliases.Zoë = client.address()
    draft.aliases.bob = other.address()
    draft.groups = { family: ['Zoë'], friends: ['family', 'bob'] }
    draft.rules = [{ who: 'everyone', protocol: 'Http', effect: 'allow' }]
  })
  await using router = await createRouter({
    endpoint: server,
    account,
    home: { handler: whoAsks, allow: ['family'] },
    hosts: { all: { handler: whoAsks, allow: ['friends'] }, zoe: { handler: whoAsks, allow: ['Zoë'] } }
  })
  t.like(await (await client.fetch(peer, '/')).json(), {
    access: 'remote',
    alias: 'Zoë',
    groups: ['family', 'friends'],
    headers: { 'fastn-alias': 'Zo%C3%AB', 'fastn-groups': 'family,friends' }
  })
  const statuses = async (from: Endpoint) =>
    await Promise.all(['', 'all', 'zoe'].map(async service => (await from.fetch(peer, '/', { service })).status))
  t.deepEqual(await statuses(client), [200, 200, 200])
  t.deepEqual(await statuses(other), [403, 200, 403])
  // Applies from now on, without another table.
  await account.update(draft => {
    draft.groups.family = ['bob']
  })
  t.deepEqual(await statuses(client), [403, 403, 200])
  t.deepEqual(await statuses(other), [200, 200, 403])
  // An alias is a host, even one that a browser writes in ASCII.
  other.serveHttp(request => new Response(`bob has ${request.headers.get('host')}`))
  client.serveHttp(() => new Response('web of Zoë'), { service: 'web' })
  t.is((await ask(router.port, 'bob.localhost:80')).body, 'bob has bob.localhost:80')
  t.is((await ask(router.port, `web.${domainToASCII('Zoë')}.localhost`)).body, 'web of Zoë')
  t.is((await ask(router.port, `web.${client.id52}.localhost`)).body, 'web of Zoë')
  await router.update({ peers: 'known' })
  t.is((await ask(router.port, 'bob.localhost')).status, 200)
  t.is((await ask(router.port, `${SecretKey.generate().id52}.localhost`)).status, 421)
  await router.update({ peers: 'none' })
  t.is((await ask(router.port, 'bob.localhost')).status, 421)
  await account.close()
})

test('devices of the account and peers in self have the access level self', async t => {
  const { client, server, peer } = await requestPair(t)
  const key = SecretKey.generate()
  const home = await loopback(t, key)
  const account = await openAccount(home, { store: memoryStore(), key })
  await account.addDevice(client.publicKey, { name: 'phone' })
  await account.update(draft => {
    draft.rules = [{ who: 'everyone', effect: 'allow' }]
  })
  await using ofAccount = await createRouter({
    endpoint: home,
    account,
    hosts: { own: { handler: whoAsks, allow: 'self' }, listed: { handler: whoAsks, allow: [] } }
  })
  for (const service of ['own', 'listed'])
    t.like(await (await client.fetch(home.address(), '/', { service })).json(), { access: 'self', peer: client.id52 })
  t.is((await server.fetch(home.address(), '/', { service: 'own' })).status, 403)
  // Once removed, it is immediately an unknown peer.
  await account.removeDevice(client.publicKey)
  t.is((await client.fetch(home.address(), '/', { service: 'own' })).status, 403)
  await using ofDevice = await createRouter({
    endpoint: server,
    self: [client.publicKey],
    home: { handler: whoAsks, allow: 'self' }
  })
  t.like(await (await client.fetch(peer, '/')).json(), { access: 'self', headers: { 'fastn-access': 'self' } })
  t.is((await home.fetch(peer, '/')).status, 403)
  t.true(ofAccount.port !== ofDevice.port)
  await account.close()
})

test('a device acts for its account, within the scope of its lease', async t => {
  const { server, peer } = await requestPair(t)
  const client = await loopback(t)
  const identities = new Map([
    [client.id52, { account: 'boss', scope: ['service:web'] as readonly string[] }],
    ['boss', undefined]
  ])
  const account = {
    data: { aliases: {} },
    peer: () => ({ id52: '' }),
    identify(id: unknown) {
      const lease = identities.get(String(id))
      return {
        alias: id === 'boss' ? 'bob' : undefined,
        groups: id === 'boss' ? ['friends'] : [],
        device: undefined,
        actsFor: lease === undefined ? [] : [lease]
      }
    }
  }
  await using router = await createRouter({
    endpoint: server,
    account,
    hosts: { web: { handler: whoAsks, allow: ['bob'] }, mail: { handler: whoAsks, allow: ['friends'] } }
  })
  t.like(await (await client.fetch(peer, '/', { service: 'web' })).json(), {
    access: 'remote',
    peer: client.id52,
    alias: 'bob',
    groups: ['friends']
  })
  t.is((await client.fetch(peer, '/', { service: 'mail' })).status, 403)
  t.true(router.port > 0)
})
