// An application that has fastn-net installed like by a package manager, for tests of bundlers and environments.
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { manifest } from './release/manifests.mjs'
import { at, fail } from './util.mjs'

/** The application's program. */
export const program = `
import { createEndpoint } from 'fastn-net'
import { duplex } from 'fastn-net/node'
const [server, client] = [await createEndpoint(), await createEndpoint()]
try {
  server.serve('divide', ({ a, b }) => a / b)
  server.listen({ Echo: stream => duplex(stream).pipe(duplex(stream)) })
  console.log('divided', await client.call(server.address(), 'divide', { a: 1, b: 4 }))
  console.log('fetched', typeof client.fetch)
} finally {
  await client.close()
  await server.close()
}
`
/** Its output. */
export const expected = 'divided 0.25\nfetched function\n'

/** A program that uses every entry of the package. */
export const wholeProgram = `
import { mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { initRig, startRig } from 'fastn-net/rig'
import { createRouter } from 'fastn-net/router'
import { memoryStore, openAccount } from 'fastn-net/account'
${program}
const endpoint = await createEndpoint()
const home = mkdtempSync(join(tmpdir(), 'fastn-net-app-'))
try {
  const account = await openAccount(endpoint, { store: memoryStore() })
  const router = await createRouter({ endpoint, account, hosts: { here: () => new Response('routed') } })
  const headers = { host: new URL(router.urlOf('here')).host }
  const answer = await new Promise((resolve, reject) =>
    get({ host: '127.0.0.1', port: router.port, headers, agent: false }, resolve).on('error', reject)
  )
  for await (const chunk of answer) console.log('got', String(chunk))
  await router.close()
  await initRig({ home })
  const rig = await startRig({}, { home })
  console.log('rig with', rig.status().services.length, 'services')
  await rig.close()
} finally {
  await endpoint.close()
  rmSync(home, { recursive: true })
}
`
/** Its output. */
export const wholeExpected = `${expected}got routed\nrig with 0 services\n`

/** Creates an application that has fastn-net installed like by a package manager. */
export function makeApp(app, code = program) {
  const { name, files: _, scripts, devDependencies, ...kept } = manifest()
  const own = join(app, 'node_modules', name)
  cpSync(at('dist'), join(own, 'dist'), {
    recursive: true,
    filter: path => !/\.node$|[\\/]modules([\\/]|$)/.test(path)
  })
  writeFileSync(join(own, 'package.json'), JSON.stringify({ name, ...kept }))
  const folder = join(app, 'node_modules', `${name}-${platform()}`)
  mkdirSync(folder, { recursive: true })
  cpSync(at('npm', platform(), 'package.json'), join(folder, 'package.json'))
  cpSync(at('dist', addonName()), join(folder, addonName()))
  writeFileSync(
    join(app, 'package.json'),
    JSON.stringify({ name: 'app', type: 'module', dependencies: { [name]: '*' } })
  )
  writeFileSync(join(app, 'main.mjs'), code)
}

export function addonName() {
  return readdirSync(at('dist')).find(name => name.endsWith('.node')) ?? fail('dist has no addon: npm run build')
}

/** The addon in its package. */
export function addonIn(app) {
  return join(app, 'node_modules', `fastn-net-${platform()}`, addonName())
}

/** This platform, such as `linux-x64-gnu`. */
function platform() {
  return addonName().split('.')[1]
}
