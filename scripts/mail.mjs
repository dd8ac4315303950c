// npm run test:mail               the tests of packages/mail; ends with 'N passed, N failed'
// npm run test:mail -- ARGUMENTS  files of packages/mail/__test__, or other arguments for ava
// npm run test:mail -- --kills N  kills the sender or the receiver N times while mail is delivered, at each step and at any moment
// npm run test:mail -- --fuzz N   random changes to commands, sessions and messages for the IMAP server, three times N minutes
import { prepare } from './prepare.mjs'
import { installRuntime } from './runtime.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at, fail, run } from './util.mjs'

if (!process.argv.includes('--bench')) closeWithCount()
await prepare({ mail: true })
const { command } = nodeWithSqlite()
const given = process.argv.slice(2)
const kills = given.indexOf('--kills')
if (kills >= 0) {
  process.env.FASTN_MAIL_TEST_KILLS = given[kills + 1]
  given.splice(
    kills,
    2,
    '__test__/contract/kill.test.ts',
    '__test__/store/crash.test.ts',
    '--timeout',
    '2h',
    '--match',
    'killed * times*'
  )
}
const fuzz = given.indexOf('--fuzz')
if (fuzz >= 0) {
  process.env.FASTN_MAIL_TEST_FUZZ_MINUTES = given[fuzz + 1]
  given.splice(fuzz, 2, '__test__/imap/fuzz.test.ts', '--timeout', '2h')
}
if (given[0] === '--bench') {
  run(command, [
    '--disable-warning=ExperimentalWarning',
    at('packages', 'mail', 'dist-test', 'bench', 'throughput.js'),
    ...given.slice(1)
  ])
} else await avaSuite(given.map(compiled), [], { node: command, cwd: at('packages', 'mail') })

/** fastn-mail needs node:sqlite. Uses this Node.js, or one from npm. */
function nodeWithSqlite() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 13)) return { command: process.execPath }
  return installRuntime('node22') ?? fail('Node.js 22.13 or newer is required, and npm could not install it')
}

/** Maps a test's source path to its compiled file, which ava runs. */
function compiled(argument) {
  return argument.replace(/^(?:\.\/)?(?:packages\/mail\/)?__test__\//, 'dist-test/').replace(/\.ts$/, '.js')
}
