// The addon under AddressSanitizer and ThreadSanitizer: recompiled for each, with the sanitizer's runtime loaded into Node.js before it.
// For scripts/memory.mjs.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { prepare } from './prepare.mjs'
import { count, runAva, suite } from './suite.mjs'
import { at, hostTarget, passes, say } from './util.mjs'

/**
 * @typedef {object} Sanitizer
 * @property {string[]} toolchain Arguments for rustup's proxies.
 * @property {string} flag Value of `-Zsanitizer`.
 * @property {string} runtime Name of the library in `libclang_rt`.
 * @property {string[]} build Additional arguments for cargo.
 * @property {string} variable Environment variable of the runtime's options.
 * @property {Record<string, string | number>} options The runtime's options.
 * @property {RegExp} report First line of a report.
 */

/** @type {Record<string, Sanitizer>} */
const sanitizers = {
  asan: {
    toolchain: [],
    flag: 'address',
    runtime: 'asan',
    build: [],
    variable: 'ASAN_OPTIONS',
    // V8 and Node.js free some memory only at the end of the process. Valgrind finds leaks of the addon.
    options: { detect_leaks: 0, verify_asan_link_order: 0, abort_on_error: 1 },
    report: /^.*ERROR: AddressSanitizer.*$/m
  },
  tsan: {
    // ThreadSanitizer sees atomics of the standard library only if that is recompiled too.
    toolchain: ['+nightly'],
    flag: 'thread',
    runtime: 'tsan',
    build: ['-Zbuild-std'],
    variable: 'TSAN_OPTIONS',
    // Node.js is not instrumented: ignore its accesses. The runtime's idle threads end with the process, which joins none of them.
    options: { ignore_noninstrumented_modules: 1, report_thread_leaks: 0, exitcode: 0 },
    report: /^WARNING: ThreadSanitizer.*$/m
  }
}

/** Tests that use the whole binding: every export, and the ends of threads and processes. */
const tests = [
  'contract/{abort,accept-bi,account,authorize,close,connections,diagnostics,disposal,duplex,handlers}',
  'contract/{http,limits,listener,logger,metrics,peers,ping,policy,ports,proxy,reauthorize,rpc,stream}',
  'contract/{timeouts,tunnel,tunnel-http,tunnel-udp}',
  'lifecycle/{logging,process-exit,workers}',
  'load/{garbage-collection,handle-leaks,many-streams,random-calls,stale-handles}',
  'unit/{key-store,public-key,secret-key,wakeups}',
  'model/interleavings'
].map(name => `dist-test/${name}.test.js`)

/** Runs the tests with an addon under a sanitizer. Prints each report, and counts it as a failure. */
export async function sanitized(name) {
  const sanitizer = sanitizers[name]
  const { toolchain, options, variable, report } = sanitizer
  const version = spawnSync('rustc', [...toolchain, '-vV'], { encoding: 'utf8' })
  if (toolchain.length > 0 && (version.status !== 0 || !hasSource(toolchain)))
    return say(`${name} SKIPPED: rustup toolchain install nightly --component rust-src`)
  const [, llvm] = /^LLVM version: (\d+)/m.exec(version.stdout) ?? []
  const runtime = runtimeOf(sanitizer, llvm)
  if (runtime === undefined) return say(`${name} SKIPPED: apt-get install libclang-rt-${llvm}-dev (Linux, x64)`)
  const addon = build(name, sanitizer)
  if (addon === undefined) return count({ passed: 0, failed: 1 })
  await prepare({ tests: true })
  const reports = at('target', name, 'reports')
  rmSync(reports, { recursive: true, force: true })
  mkdirSync(reports, { recursive: true })
  const suppressions = at('__test__', 'memory', `${name}.txt`)
  const all = {
    ...options,
    log_path: join(reports, 'report'),
    external_symbolizer_path: symbolizer(),
    ...(existsSync(suppressions) && { suppressions })
  }
  const set = {
    LD_PRELOAD: runtime,
    [variable]: Object.entries(all)
      .map(([key, value]) => `${key}=${value}`)
      .join(':'),
    FASTN_NET_ADDON: addon,
    FASTN_NET_MODEL_RUNS: '300'
  }
  const before = ['env', ...Object.entries(set).map(([key, value]) => `${key}=${value}`)]
  await suite('env', [...before.slice(1), process.execPath, at('dist-test', 'memory', 'main.js')], isDone, 10)
  // A test that fails without a report has a time limit: everything takes several times as long.
  const { passed } = await runAva(['--timeout', '10m', ...tests], before)
  count({ passed, failed: 0 })
  const found = readdirSync(reports).map(file => readFileSync(join(reports, file), 'utf8'))
  const wrong = found.filter(text => report.test(text))
  for (const text of wrong) console.log(text)
  count({ passed: wrong.length === 0 ? 1 : 0, failed: wrong.length })
}

/** Whether a program has printed its last line. */
export function isDone(output) {
  return /^done$/m.test(output) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }
}

/** The addon's file; `undefined` if it does not compile. */
function build(name, { toolchain, flag, build }) {
  say(`addon for ${name} (the first time takes many minutes)`)
  const target = hostTarget()
  const folder = at('target', name)
  const env = {
    ...process.env,
    // Allows -Z on a stable toolchain.
    RUSTC_BOOTSTRAP: '1',
    RUSTFLAGS: `-Zsanitizer=${flag} -Cforce-frame-pointers=yes`,
    CARGO_TARGET_DIR: folder,
    CARGO_PROFILE_DEV_OPT_LEVEL: '1',
    CARGO_PROFILE_DEV_DEBUG: 'line-tables-only'
  }
  const args = [...toolchain, 'build', '--package', 'fastn-net-node', '--target', target, ...build]
  if (!passes('cargo', args, { env })) return undefined
  // require() recognises an addon only by this extension.
  const addon = join(folder, 'fastn-net.node')
  cpSync(join(folder, target, 'debug', 'libfastn_net_node.so'), addon)
  return addon
}

function hasSource(toolchain) {
  const { stdout } = spawnSync('rustc', [...toolchain, '--print', 'sysroot'], { encoding: 'utf8' })
  return existsSync(join(stdout.trim(), 'lib', 'rustlib', 'src', 'rust', 'library'))
}

/** The sanitizer's shared runtime. rustc ships only the static one. */
function runtimeOf({ runtime }, llvm) {
  const file = `/usr/lib/llvm-${llvm}/lib/clang/${llvm}/lib/linux/libclang_rt.${runtime}-x86_64.so`
  return process.arch === 'x64' && existsSync(file) ? file : undefined
}

/** Names the functions of a report; '' without one. */
function symbolizer() {
  return spawnSync('sh', ['-c', 'command -v llvm-symbolizer'], { encoding: 'utf8' }).stdout.trim()
}
