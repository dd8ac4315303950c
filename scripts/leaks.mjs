// npm run test:leaks                        opens 100,000 streams, 10,000 requests, 1,000 connections, 200 endpoints and 100 workers
//                                           and ends them in four ways, and checks for leaks; ends with 'N passed, N failed'
// npm run test:leaks -- --divide 20         a twentieth of each, as CI does
// npm run test:leaks -- streams 'and held'  only cases with one of these in their names
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, fail } from './util.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { divide: { type: 'string', default: '1' } }
})
if (!/^[1-9]\d{0,3}$/.test(values.divide)) fail('npm run test:leaks -- --divide N, with N a whole number above 0')
closeWithCount()
await prepare({ tests: true })
await suite(process.execPath, [at('dist-test', 'leaks', 'main.js'), values.divide, ...positionals], ownCount, 120)
