// A domain is the name of a peer: its TXT record has the ID52, and the account knows the peer by it.
import ava from 'ava'
import { createEndpoint, SecretKey } from 'fastn-net'
import { memoryStore, openAccount } from 'fastn-net/account'
import { createRouter } from 'fastn-net/router'
import { ask } from '../helpers/web.js'
import { cli } from './support/cli.js'
import { dnsServer } from './support/dns-server.js'

const test = ava.serial

test('a domain that DNS leads to a peer is an alias for rules, calls and the browser', async t => {
  const bob = await createEndpoint({ network: 'loopback' })
  t.teardown(() => bob.close())
  bob.serve('Greet', (name: string) => `hello ${name}`)
  bob.serveHttp(() => new Response('the page of bob'))
  const dns = await dnsServer(t, { 'bob.test': [['v=spf1 -all'], [`fastn=${bob.id52}`]] })
  const { lines, stderr } = await cli(['resolve', 'bob.test', 'fastn', '--dns', dns])
  t.deepEqual(lines, [bob.id52], stderr)

  const key = SecretKey.generate()
  const home = await createEndpoint({ key, network: 'loopback' })
  t.teardown(() => home.close())
  await using account = await openAccount(home, { store: memoryStore(), key })
  await account.update(draft => {
    draft.aliases['bob.test'] = { id52: lines[0] ?? '', addresses: bob.address().addresses }
    draft.groups.friends = ['bob.test']
    draft.rules = [{ who: 'bob.test', protocol: 'Greet', effect: 'allow' }]
  })
  t.is(await home.call(account.peer('bob.test'), 'Greet', 'alice'), 'hello alice')
  t.like(account.explain('bob.test', 'Greet'), { effect: 'allow', index: 0 })
  t.like(account.identify(bob.id52), { alias: 'bob.test', groups: ['friends'] })
  await using router = await createRouter({ endpoint: home, account, peers: 'known' })
  t.is((await ask(router.port, 'bob.test.localhost')).body, 'the page of bob')
})
