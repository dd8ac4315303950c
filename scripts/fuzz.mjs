// npm run fuzz [-- --minutes N]: fuzzes the parsers for N minutes (default: 5). The properties are in
// crates/fastn-net-proto/tests/fuzz/properties.rs. A failure prints the smallest failing input. Ends with 'N passed, N failed'.
import { parseArgs } from 'node:util'
import { cargoCounts, closeWithCount, suite } from './suite.mjs'
import { fail, hostTarget, needCargo } from './util.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) fail('--minutes must be a number above 0')
closeWithCount()
needCargo()
process.env.FASTN_NET_FUZZ_SECONDS = String(minutes * 60)
// The program that `npm test` has compiled.
const program = ['--workspace', '--profile', 'dev-release', '--target', hostTarget(), '--test', 'fuzz']
await suite('cargo', ['test', ...program, '--', '--nocapture'], cargoCounts)
