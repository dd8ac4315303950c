// npm run fuzz [-- --minutes N]: looks for bytes that break a parser, for N minutes (default: 5). The properties are in
// crates/fastn-net-proto/tests/fuzz/properties.rs. A failure prints the smallest bytes.
import { parseArgs } from 'node:util'
import { fail, needCargo, run } from './util.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '5' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) fail('--minutes must be a number above 0')
needCargo()
run('cargo', ['test', '-p', 'fastn-net-proto', '--profile', 'dev-release', '--test', 'fuzz', '--', '--nocapture'], {
  env: { ...process.env, FASTN_NET_FUZZ_SECONDS: String(minutes * 60) }
})
