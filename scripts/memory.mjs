// npm run test:memory             invalid memory accesses: the addon in Valgrind, the Rust that calls nothing foreign in Miri; ends with
//                                 'N passed, N failed'. What is not installed is skipped
// npm run test:memory -- miri     only this
import { spawnSync } from 'node:child_process'
import { prepare } from './prepare.mjs'
import { cargoCounts, closeWithCount, suite } from './suite.mjs'
import { at, needCargo, say } from './util.mjs'

const given = process.argv.slice(2)
const checks = { valgrind, miri }
closeWithCount()
needCargo()
for (const [name, check] of Object.entries(checks)) if (given.length === 0 || given.includes(name)) await check()

async function valgrind() {
  if (spawnSync('valgrind', ['--version']).error) return say('valgrind SKIPPED: apt-get install valgrind')
  await prepare({ tests: true })
  // Reads and writes outside of what is allocated, or freed already. Not undefined values: V8's garbage collector reads what it may.
  const options = ['--quiet', '--error-exitcode=99', '--undef-value-errors=no']
  const program = [process.execPath, at('dist-test', 'memory', 'main.js')]
  const isDone = output => (/^done$/m.test(output) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 })
  await suite('valgrind', [...options, ...program], isDone, 20)
}

async function miri() {
  const toolchain = ['+nightly', 'miri']
  if (spawnSync('cargo', [...toolchain, '--version']).status !== 0)
    return say('miri SKIPPED: rustup toolchain install nightly --component miri --component rust-src')
  process.env.CARGO_TARGET_DIR = at('target', 'miri')
  process.env.MIRIFLAGS = '-Zmiri-disable-isolation'
  process.env.PROPTEST_CASES = '4'
  // These take Miri minutes each: signatures, every character, and generated JSON.
  const slow = ['signature', 'verify', 'nothing_that_is_shown', 'any_value_round_trips']
  const skipped = slow.flatMap(name => ['--skip', name])
  await suite(
    'cargo',
    [...toolchain, 'test', '--package', 'fastn-net-proto', '--lib', '--', ...skipped],
    cargoCounts,
    30
  )
}
