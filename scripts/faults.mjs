// npm run test:faults                  every fault; closes with 'N passed, N failed'
// npm run test:faults -- kill loss     those of __test__/faults/kill.test.ts and loss.test.ts; other arguments are ava's
// npm run test:faults -- --short       no single wait above 15 s
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { prepare } from './prepare.mjs'
import { avaCounts, closeWithCount, suite } from './suite.mjs'
import { at, fail, say, tool } from './util.mjs'

const given = process.argv.slice(2).filter(argument => argument !== '--short')
const short = given.length < process.argv.length - 2
const families = readdirSync(at('__test__', 'faults')).flatMap(name => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? [])

// npm puts the programs of packages first, and one of them is called nft as well.
process.env.PATH = process.env.PATH.split(':')
  .filter(folder => !folder.includes('node_modules'))
  .join(':')

// A user, a network and a mount namespace, so that root is not needed and nothing of the system is touched.
const outer = [
  '-rnm',
  'sh',
  '-c',
  'mount -t tmpfs none /run && mkdir /run/netns && ip link set lo up && exec "$@"',
  'sh'
]

const missing = process.platform === 'linux' ? unready() : 'Linux is needed'
if (missing) {
  console.log(`SKIPPED: ${missing}.`)
  console.log('0 passed, 0 failed')
  process.exit()
}

const chosen = given.map(name => (families.includes(name) ? `dist-test/faults/${name}.test.js` : name))
if (!chosen.some(name => name.startsWith('dist-test/'))) chosen.push('dist-test/faults/*.test.js')
closeWithCount()
await prepare({ tests: true })
if (short) say('--short: no single wait above 15 s')
process.env.FASTN_NET_TEST_FAULTS = '1'
if (short) process.env.FASTN_NET_FAULTS_SHORT = '1'
// Mostly they wait: more of them at a time than there are processors.
const args = ['--concurrency', '5', '--timeout', '8m', ...chosen]
await suite('unshare', [...outer, process.execPath, tool.ava, ...args], avaCounts)

/** What keeps the faults from running here, in words; installs what may be installed. */
function unready() {
  need('ip', 'iproute2')
  need('nft', 'nftables')
  const tools = ['unshare', 'nsenter', 'setpriv', 'ip', 'tc', 'nft'].filter(name => !has(name))
  if (tools.length > 0) return `not found: ${tools.join(', ')}. Install util-linux, iproute2 and nftables`
  const probe = spawnSync('unshare', [...outer, 'ip', 'netns', 'add', 'probe'], { encoding: 'utf8' })
  if (probe.status !== 0) return `no network namespaces here (unshare -rnm): ${probe.stderr.trim()}`
  return undefined
}

function need(name, from) {
  if (has(name) || process.getuid() !== 0 || !has('apt-get')) return
  say(`apt-get install ${from}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const install = ['install', '-y', '-qq', '--no-install-recommends', from]
  const options = { env, stdio: ['ignore', 'ignore', 'inherit'] }
  if (spawnSync('apt-get', install, options).status === 0) return
  spawnSync('apt-get', ['update', '-qq'], options)
  if (spawnSync('apt-get', install, options).status !== 0)
    fail(`${from} could not be installed: install it and run this again.`)
}

function has(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`]).status === 0
}
