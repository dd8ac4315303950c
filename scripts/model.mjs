// npm run test:model                         runs both ends of 2,000 streams from a seed and checks each outcome
// npm run test:model -- --runs 100000
// npm run test:model -- --runs 1 --seed 42   repeat the run of a failure, which prints its seed
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { at, become, fail, tool } from './util.mjs'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } }
})
for (const [name, value] of Object.entries(values)) {
  if (!/^[1-9]\d{0,8}$/.test(value)) fail(`npm run test:model -- --${name} N, with N a whole number above 0`)
}

await prepare({ tests: true })
await become(process.execPath, [tool.ava, at('dist-test', 'model', 'interleavings.test.js')], {
  env: { ...process.env, FASTN_NET_MODEL_RUNS: values.runs, FASTN_NET_MODEL_SEED: values.seed }
})
