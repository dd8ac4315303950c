// npm run test:memory                      checks for invalid memory accesses, leaks and data races: the addon in Valgrind, with
//                                          AddressSanitizer and with ThreadSanitizer, and fastn-net-proto in Miri. Skips missing
//                                          tools; ends with 'N passed, N failed'
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
  // Accesses outside allocated memory or after a free, and lost memory. Not undefined values, because V8's garbage collector reads them.
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
  // Minutes each in Miri: curve points, every character, and generated JSON.
  const slow = ['identity::public_key', 'identity::secret_key', 'no_shown_character', 'any_value_round_trips']
  // These open files with O_NONBLOCK and O_NOCTTY, which Miri does not support.
  const foreign = ['identity::store']
  const skipped = [...slow, ...foreign].flatMap(name => ['--skip', name])
  await suite(
    'cargo',
    [...toolchain, 'test', '--package', 'fastn-net-proto', '--lib', '--', ...skipped],
    cargoCounts,
    30
  )
}
