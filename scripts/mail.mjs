// npm run test:mail               the tests of packages/mail; ends with 'N passed, N failed'
// npm run test:mail -- ARGUMENTS  files of packages/mail/__test__, or other arguments for ava
import { prepare } from './prepare.mjs'
import { installRuntime } from './runtime.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at, fail } from './util.mjs'

closeWithCount()
await prepare({ mail: true })
const { command } = nodeWithSqlite()
await avaSuite(process.argv.slice(2).map(compiled), [], { node: command, cwd: at('packages', 'mail') })

/** The mail needs node:sqlite. This Node, or one from npm. */
function nodeWithSqlite() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 13)) return { command: process.execPath }
  return installRuntime('node22') ?? fail('Node.js 22.13 or newer is required, and npm could not install it')
}

/** Maps a test's source path to its compiled file, which ava runs. */
function compiled(argument) {
  return argument.replace(/^(?:\.\/)?(?:packages\/mail\/)?__test__\//, 'dist-test/').replace(/\.ts$/, '.js')
}
