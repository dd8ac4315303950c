// npm run test:exits [-- --times 200]   programs that end in every way and at every step, with calls pending; ends with 'N passed, N
// failed'
// npm run test:exits -- --seed 7        at random moments, derived from the seed
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, fail } from './util.mjs'

const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '24' },
    concurrency: { type: 'string', default: '4' },
    seed: { type: 'string' }
  }
})
const { times, concurrency, seed } = values
if (seed !== undefined && !/^\d{1,9}$/.test(seed)) fail('npm run test:exits -- --seed N, with N a whole number')
const args = [times, concurrency, ...(seed === undefined ? [] : [seed])]
closeWithCount()
await prepare({ tests: true })
await suite(process.execPath, [at('dist-test', 'exits', 'main.js'), ...args], ownCount, 30)
