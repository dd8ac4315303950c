// npm run test:memory                      invalid memory accesses, leaks and data races: the addon in Valgrind, with AddressSanitizer and with
//                                          ThreadSanitizer, the Rust that calls nothing foreign in Miri; ends with 'N passed, N failed'. What
//                                          is not installed is skipped
// npm run test:memory -- asan tsan         only these of valgrind, miri, asan and tsan
import { spawnSync } from 'node:child_process'
import { prepare } from './prepare.mjs'
import { isDone, sanitized } from './sanitizers.mjs'
import { cargoCounts, closeWithCount, suite } from './suite.mjs'
import { at, fail, needCargo, say } from './util.mjs'

const given = process.argv.slice(2)
const checks = { valgrind, miri, asan: () => sanitized('asan'), tsan: () => sanitized('tsan') }
const unknown = given.filter(name => !Object.hasOwn(checks, name))
if (unknown.length > 0) fail(`npm run test:memory -- ${Object.keys(checks).join(' ')}, not ${unknown.join(' ')}`)
closeWithCount()
needCargo()
for (const [name, check] of Object.entries(checks)) if (given.length === 0 || given.includes(name)) await check()

async function valgrind() {
  if (spawnSync('valgrind', ['--version']).error) return say('valgrind SKIPPED: apt-get install valgrind')
  await prepare({ tests: true })
  // Reads and writes outside of what is allocated, or freed already. Not undefined values: V8's garbage collector reads what it may.
  // And memory to which nothing refers any more.
  const leaks = ['--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=definite']
  const suppressions = `--suppressions=${at('__test__', 'memory', 'valgrind.supp')}`
  const options = ['--quiet', '--error-exitcode=99', '--undef-value-errors=no', ...leaks, suppressions]
  const program = [process.execPath, at('dist-test', 'memory', 'main.js')]
  await suite('valgrind', [...options, ...program], isDone, 20)
}

async function miri() {
  const toolchain = ['+nightly', 'miri']
  if (spawnSync('cargo', [...toolchain, '--version']).status !== 0)
    return say('miri SKIPPED: rustup toolchain install nightly --component miri --component rust-src')
  process.env.CARGO_TARGET_DIR = at('target', 'miri')
  process.env.MIRIFLAGS = '-Zmiri-disable-isolation'
  process.env.PROPTEST_CASES = '4'
  // These take Miri minutes each: points of the curve, every character, and generated JSON.
  const slow = ['identity::public_key', 'identity::secret_key', 'no_shown_character', 'any_value_round_trips']
  // Opens files with O_NONBLOCK and O_NOCTTY, which Miri does not know.
  const foreign = ['identity::store']
  const skipped = [...slow, ...foreign].flatMap(name => ['--skip', name])
  await suite(
    'cargo',
    [...toolchain, 'test', '--package', 'fastn-net-proto', '--lib', '--', ...skipped],
    cargoCounts,
    30
  )
}
