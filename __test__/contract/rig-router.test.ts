// The router of a rig: hosts of this machine and of peers, applied as one change with all other parts.
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { createEndpoint } from 'fastn-net'
import { initRig, type Rig, type RigConfig, RigConfigError, startRig } from 'fastn-net/rig'

const network = 'loopback'

async function started(t: ExecutionContext, config: RigConfig): Promise<{ rig: Rig; owner: string; home: string }> {
  const home = mkdtempSync(join(tmpdir(), 'fastn-net-rig-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  writeFileSync(join(home, 'index.html'), 'the page')
  const { owner } = await initRig({ home })
  const rig = await startRig({ network, ...config }, { home })
  t.teardown(() => rig.close({ timeout: 0 }))
  return { rig, owner, home }
}

function urlOf(rig: Rig): string {
  return rig.status().services.find(({ kind }) => kind === 'router')?.address ?? ''
}

/** Sends a request for a host to the router. */
async function ask(url: string, host: string, path = '/'): Promise<[status: number | undefined, text: string]> {
  return await new Promise((resolve, reject) => {
    const asked = request(new URL(path, url), { headers: { host } }, async response => {
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      resolve([response.statusCode, text])
    })
    asked.once('error', reject)
    asked.end()
  })
}

test('hosts route to folders, and peers reach those that allow them', async t => {
  const folder = '.'
  const hosts = { local: { folder }, shared: { folder, allow: ['friends'] }, open: { folder, public: true } }
  const { rig, owner } = await started(t, { router: { hosts } })
  const url = urlOf(rig)
  t.deepEqual(await ask(url, 'local.localhost'), [200, 'the page'])
  t.is((await ask(url, 'other.localhost'))[0], 421)

  const client = await createEndpoint({ network })
  t.teardown(() => client.close({ timeout: 0 }))
  const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
  const status = async (service: string) => (await client.fetch(ticket, '/', { service })).status
  t.is(await status('open'), 200)
  await t.throwsAsync(status('shared'), { code: 'ERR_UNAUTHORIZED' })
  await t.throwsAsync(status('local'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  await rig.account(owner)?.update(draft => {
    draft.groups.friends = [client.id52]
  })
  t.is(await status('shared'), 200)
})

test('a changed router serves its new hosts, and an invalid one changes nothing', async t => {
  const { rig } = await started(t, { router: { hosts: { one: { folder: '.', public: true } } } })
  const url = urlOf(rig)
  await rig.reload({ network, router: { hosts: { two: { folder: '.', public: true } } } })
  const next = urlOf(rig)
  t.deepEqual(await ask(next, 'two.localhost'), [200, 'the page'])
  t.is((await ask(next, 'one.localhost'))[0], 421)
  t.truthy(url)
  await t.throwsAsync(rig.reload({ network, router: { hosts: { three: { folder: 'missing' } } } }), {
    message: /cannot change 'router'/
  })
  t.deepEqual(await ask(urlOf(rig), 'two.localhost'), [200, 'the page'])
  const wrong: [router: unknown, path: string[]][] = [
    [{ hosts: { x: {} } }, ['router', 'hosts', 'x', 'folder']],
    [{ hosts: { x: { folder: '.', listings: true } } }, ['router', 'hosts', 'x', 'listings']],
    [{ ports: 1 }, ['router', 'ports']]
  ]
  for (const [router, path] of wrong) {
    const error = await t.throwsAsync(rig.reload({ network, router } as RigConfig), { instanceOf: RigConfigError })
    t.deepEqual(error.path, path)
  }
})

test('a changed router keeps its port, connections, and a download that runs', async t => {
  let finish = () => {}
  const backend = createServer((_, response) => {
    response.write('begin ')
    finish = () => response.end('end')
  }).listen(0, '127.0.0.1')
  t.teardown(() => backend.close())
  await once(backend, 'listening')
  const { port } = backend.address() as AddressInfo
  const hosts = { files: { backend: port, public: true }, one: { folder: '.' } }
  const { rig, owner } = await started(t, { router: { hosts } })
  const url = urlOf(rig)
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  const idle = await new Promise<IncomingMessage>(resolve => {
    request(url, { agent, headers: { host: 'one.localhost' } }, resolve).end()
  })
  const { localPort } = idle.socket
  await text(idle)
  const local = await new Promise<IncomingMessage>(resolve => {
    request(url, { headers: { host: 'files.localhost' } }, resolve).end()
  })
  const endLocal = finish
  const client = await createEndpoint({ network })
  t.teardown(() => client.close({ timeout: 0 }))
  const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
  const remote = await client.fetch(ticket, '/', { service: 'files' })

  // Hosts are added, then the reach of peers changes.
  const two = { folder: '.', public: true }
  const changes = await rig.reload({ network, router: { hosts: { ...hosts, two } } })
  t.like(changes, { started: ['router'], stopped: [], kept: 0 })
  await rig.reload({ network, router: { peers: 'none', hosts: { ...hosts, two } } })
  t.is(urlOf(rig), url)
  t.is(rig.status().services.length, 1)
  const again = await new Promise<IncomingMessage>(resolve => {
    request(url, { agent, headers: { host: 'two.localhost' } }, resolve).end()
  })
  t.is(again.socket.localPort, localPort)
  t.is(await text(again), 'the page')
  t.is(await (await client.fetch(ticket, '/', { service: 'two' })).text(), 'the page')
  endLocal()
  finish()
  t.is(await text(local), 'begin end')
  t.is(await remote.text(), 'begin end')
})

test('an updated router is restored if another part cannot be applied', async t => {
  const one = { folder: '.' }
  const { rig } = await started(t, { router: { hosts: { one } } })
  const url = urlOf(rig)
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  const services = { a: { kind: 'tcp-bridge', peer: rig.id52, port } }
  await t.throwsAsync(rig.reload({ network, router: { hosts: { two: one } }, services }), { code: 'ERR_LISTEN' })
  t.deepEqual(await ask(url, 'one.localhost'), [200, 'the page'])
  t.is((await ask(url, 'two.localhost'))[0], 421)
})

test('a name moves between a host of the router and a service in one reload, or nothing changes', async t => {
  const { rig, owner, home } = await started(t, {})
  mkdirSync(join(home, 'site'))
  writeFileSync(join(home, 'site', 'index.html'), 'the site')
  const client = await createEndpoint({ network })
  t.teardown(() => client.close({ timeout: 0 }))
  const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
  const get = async (service: string) => await (await client.fetch(ticket, '/', { service })).text()
  const taken = createServer().listen(0, '127.0.0.1')
  t.teardown(() => taken.close())
  await once(taken, 'listening')
  const bridge = { kind: 'tcp-bridge', peer: rig.id52, port: (taken.address() as AddressInfo).port }
  const host = { folder: '.', public: true }
  const service = (name: string) => ({ kind: 'folder', folder: 'site', service: name, public: true })
  const routed: RigConfig = {
    network,
    router: { hosts: { blog: host, local: { folder: '.' } } },
    services: { wiki: service('wiki') }
  }
  const served: RigConfig = { network, router: {}, services: { wiki: service('wiki'), blog: service('blog') } }
  const swapped: RigConfig = { network, router: { hosts: { wiki: host } }, services: { blog: service('blog') } }
  const without: RigConfig = { network, services: { blog: service('blog') } }
  // Each reload moves a name: to a service, with another one to the router, back, and with the whole router.
  const steps: [config: RigConfig, blog: string, wiki?: string][] = [
    [routed, 'the page', 'the site'],
    [served, 'the site', 'the site'],
    [routed, 'the page', 'the site'],
    [swapped, 'the site', 'the page'],
    [routed, 'the page', 'the site'],
    [without, 'the site'],
    [routed, 'the page', 'the site']
  ]
  let before: [blog: string, wiki: string | undefined] | undefined
  for (const [config, blog, wiki] of steps) {
    if (before !== undefined) {
      const failing = { ...config, services: { ...config.services, bridge } }
      await t.throwsAsync(rig.reload(failing), { code: 'ERR_LISTEN' })
      t.deepEqual([await get('blog'), before[1] && (await get('wiki'))], before)
    }
    await rig.reload(config)
    t.is(await get('blog'), blog)
    if (wiki !== undefined) t.is(await get('wiki'), wiki)
    before = [blog, wiki]
  }
})

test('mail without users or access is an invalid configuration', async t => {
  const { rig } = await started(t, {})
  const cases: [mail: object, path: string[], message: RegExp][] = [
    [{ public: true }, ['mail', 'users'], /a user is missing/],
    [{ users: { me: {} } }, ['mail', 'kind'], /who may use it/],
    [
      { public: true, users: { me: { passwords: 'x' } } },
      ['mail', 'users', 'me', 'passwords'],
      /Did you mean 'password'/
    ],
    [{ public: true, identity: 'rig', users: { me: {} } }, ['mail', 'identity'], /must be an account/]
  ]
  for (const [mail, path, message] of cases) {
    const error = await t.throwsAsync(rig.reload({ network, mail } as RigConfig), {
      instanceOf: RigConfigError,
      message
    })
    t.deepEqual(error.path, path)
  }
})
