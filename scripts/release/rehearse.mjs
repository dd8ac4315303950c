// A rehearsal of a release: publishes to a local registry, twice, installs with each package manager, and runs the README's programs.
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { installRelease } from '../install.mjs'
import { prepare } from '../prepare.mjs'
import { installRuntime } from '../runtime.mjs'
import { at, fail, say } from '../util.mjs'
import { billCases } from './bills.mjs'
import { findings } from './check.mjs'
import { manifest } from './manifests.mjs'
import { dependenciesOf } from './npm-packages.mjs'
import { publish } from './publish.mjs'
import { refusals } from './refusals.mjs'
import { startRegistry } from './registry.mjs'
import { stage } from './stage.mjs'
import { typeCases } from './types.mjs'

const bin = (...path) => at('__test__', 'release', 'node_modules', ...path)

/** For each package manager: how it installs, how it runs programs, and its project settings. */
const managers = {
  npm: { install: ['npm', 'install'] },
  pnpm: { install: [process.execPath, bin('pnpm', 'bin', 'pnpm.cjs'), 'install'] },
  yarn1: { install: [process.execPath, bin('yarn', 'bin', 'yarn.js'), 'install', '--non-interactive'] },
  yarn: { ...berry('node-modules') },
  'yarn-pnp': { ...berry('pnp'), node: [process.execPath, bin('@yarnpkg', 'cli-dist', 'bin', 'yarn.js'), 'node'] },
  bun: { install: [bin('.bin', 'bun'), 'install'] }
}

/**
 * @param {{ addons: string, only?: string[] }} options `only`: names of package managers.
 * @returns {Promise<{ passed: number, failed: number }>}
 */
export async function rehearse({ addons, only = [] }) {
  await prepare({ examples: true })
  installRelease()
  const folders = stage({ addons, rehearse: true })
  const wrong = findings({ rehearse: true })
  if (wrong.length > 0) fail(`Not published:\n  ${wrong.join('\n  ')}`)
  let [passed, failed] = [0, 0]
  const count = (name, error) => {
    say(error === undefined ? name : `FAILED: ${name}: ${error}`)
    if (error === undefined) passed++
    else failed++
  }
  for (const { name, error } of refusals()) count(`the check refuses ${name}`, error)
  for await (const { name, error } of billCases()) count(name, error)
  const home = mkdtempSync(join(tmpdir(), 'fastn-net-release-'))
  process.on('exit', () => rmSync(home, { recursive: true, force: true, maxRetries: 5 }))
  say('registry')
  const { url, userconfig, stop } = await startRegistry(join(home, 'registry'))
  const options = { registry: url, userconfig, provenance: false }
  // The first run stops early, like a run whose network fails. The second one continues.
  publish(folders.slice(0, 3), options)
  publish(folders, options)
  if (only.length === 0) for (const { name, error } of typeCases()) count(name, error)
  for (const [name, manager] of Object.entries(managers)) {
    if (only.length > 0 && !only.includes(name)) continue
    const error = await runWith(name, manager, { home, url }).then(
      () => undefined,
      ({ message }) => message
    )
    count(`${name} installs, and the programs of the README run`, error)
  }
  if (only.length === 0) count('fastn-mail installs beside fastn-net, and runs', mailError({ home, url, options }))
  stop()
  return { passed, failed }
}

async function runWith(name, { install, node = [process.execPath], settings = {} }, { home, url }) {
  say(name)
  const { name: dependency, version } = manifest()
  const folder = join(home, name)
  mkdirSync(folder)
  const project = { name: 'app', private: true, type: 'module', dependencies: { [dependency]: version } }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project))
  writeFileSync(join(folder, '.npmrc'), `registry=${url}\nfund=false\naudit=false\n`)
  for (const [file, text] of Object.entries(settings)) writeFileSync(join(folder, file), text(url))
  for (const program of ['receiver.js', 'sender.js', 'requests.js'])
    cpSync(at('dist-examples', program), join(folder, program))
  // No settings or caches of the user, which may contain packages of an earlier rehearsal.
  const env = {
    ...process.env,
    HOME: folder,
    npm_config_registry: url,
    npm_config_cache: join(folder, '.cache'),
    npm_config_store_dir: join(folder, '.store'),
    YARN_CACHE_FOLDER: join(folder, '.yarn-cache'),
    BUN_INSTALL_CACHE_DIR: join(folder, '.bun-cache'),
    FASTN_NET_NETWORK: 'loopback'
  }
  // With CI set, some package managers refuse to write their first lock file.
  delete env.CI
  run(install, folder, env)
  // Yarn 1 does not distinguish C libraries.
  const own = `fastn-net.${process.platform}-${process.arch}`
  const foreign = installedAddons(folder).filter(file => !file.startsWith(own))
  if (foreign.length > 0) throw new Error(`installs ${foreign.join(' and ')}, which are not for this machine`)
  const [greeting] = await greet(node, folder, env)
  if (!/^Hello Ada, you are [a-z0-9]{52}$/.test(greeting)) throw new Error(`the sender printed '${greeting}'`)
  const answers = run([...node, 'requests.js'], folder, env)
  if (!answers.startsWith('0.25\nRangeError division by zero')) throw new Error(`requests.js printed '${answers}'`)
}

/** The first steps of a fastn-mail user. */
const mailProgram = `
import { hashPassword, startMail } from 'fastn-mail'
import { createEndpoint } from 'fastn-net'
import { fileStore, openAccount } from 'fastn-net/account'
const endpoint = await createEndpoint()
const account = await openAccount(endpoint, { store: fileStore('account.json') })
const users = { me: { password: await hashPassword('a password') } }
const mail = await startMail({ endpoint, account, folder: 'mail', users, smtp: { port: 0 }, imap: { port: 0 } })
console.log(mail.smtp.port > 0, mail.imap.port > 0, mail.addresses[0])
await mail.close()
await endpoint.close()
`

/** Why fastn-mail does not install or run; `undefined` if it does. The local registry gets its dependencies as installed here. */
function mailError({ home, url, options }) {
  // fastn-mail needs a newer Node.js than fastn-net.
  const runtime = nodeForMail()
  if (runtime === undefined) return 'npm could not install Node.js 22'
  const folder = join(home, 'mail')
  try {
    publish(
      dependenciesOf('packages/mail').map(each => each.folder),
      options
    )
    mkdirSync(folder)
    const { name, version } = manifest()
    const dependencies = { [name]: version, 'fastn-mail': version }
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
    writeFileSync(join(folder, '.npmrc'), `registry=${url}\nfund=false\naudit=false\n`)
    writeFileSync(join(folder, 'main.js'), mailProgram)
    const env = { ...process.env, HOME: folder, npm_config_registry: url, npm_config_cache: join(folder, '.cache') }
    run(['npm', 'install', '--loglevel=error'], folder, env)
    const copies = readdirSync(folder, { recursive: true }).filter(file =>
      /(^|[\\/])fastn-net[\\/]package\.json$/.test(file)
    )
    if (copies.length !== 1) return `fastn-net is installed as ${copies.join(' and ')}`
    const output = run([runtime, 'main.js'], folder, { ...env, FASTN_NET_NETWORK: 'loopback' })
    return /^true true me@[a-z0-9]{52}\.fastn$/m.test(output) ? undefined : `it printed '${output}'`
  } catch ({ message }) {
    return message
  }
}

function nodeForMail() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 13) ? process.execPath : installRuntime('node22')?.command
}

/** Starts the README's receiver, and its sender with the printed ticket. Returns what the sender printed. */
async function greet([command, ...args], cwd, env) {
  const receiver = spawn(command, [...args, 'receiver.js'], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]()
    const { value: ticket, done } = await lines.next()
    if (done) throw new Error('the receiver printed no ticket')
    return run([command, ...args, 'sender.js', ticket], cwd, env).split('\n')
  } finally {
    receiver.kill('SIGTERM')
  }
}

function run([command, ...args], cwd, env) {
  const options = { cwd, env, encoding: 'utf8', timeout: 300_000, shell: process.platform === 'win32' }
  const { error, status, stdout, stderr } = spawnSync(command, args, options)
  if (error || status !== 0) throw new Error(`${args.at(-1)}: ${error?.message ?? `${stdout}${stderr}`.slice(-2000)}`)
  return stdout
}

/** Names of the installed addons. Package managers skip those of other systems. */
function installedAddons(folder) {
  const files = readdirSync(folder, { recursive: true })
  // Caches contain more.
  const addons = files.filter(file => file.startsWith('node_modules') && file.endsWith('.node'))
  return [...new Set(addons.map(file => file.split(/[\\/]/).at(-1)))]
}

function berry(linker) {
  return {
    install: [process.execPath, bin('@yarnpkg', 'cli-dist', 'bin', 'yarn.js'), 'install'],
    settings: {
      'yarn.lock': () => '',
      '.yarnrc.yml': url => `nodeLinker: ${linker}
npmRegistryServer: ${url}
unsafeHttpWhitelist: ['127.0.0.1']
enableGlobalCache: false
enableTelemetry: false
npmMinimalAgeGate: 0
enableImmutableInstalls: false
`
    }
  }
}
