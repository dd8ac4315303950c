// npm run test:exits [-- --times 200]   programs that end in every way and at every step, with calls pending; ends with 'N passed, N
// failed'
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at } from './util.mjs'

const { values } = parseArgs({
  options: { times: { type: 'string', default: '24' }, concurrency: { type: 'string', default: '4' } }
})
closeWithCount()
await prepare({ tests: true })
await suite(process.execPath, [at('dist-test', 'exits', 'main.js'), values.times, values.concurrency], ownCount, 30)
