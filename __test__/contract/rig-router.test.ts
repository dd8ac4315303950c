// The router of a rig: hosts of this machine and of peers, applied with everything else as one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

/** Asks the router for a host. */
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
    message: /cannot start 'router'/
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
