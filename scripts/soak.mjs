// npm run soak                  an hour of mixed load between processes: every request settles, memory, handles and streams stay constant
// npm run soak -- --minutes 5
import { parseArgs } from 'node:util'
import { prepare } from './prepare.mjs'
import { at, become, fail } from './util.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } })
const minutes = Number(values.minutes)
if (!(minutes > 0)) fail('npm run soak -- --minutes N, with N above 0')

await prepare({ tests: true })
await become(process.execPath, ['--enable-source-maps', at('dist-test', 'soak', 'main.js'), String(minutes)], {
  env: { ...process.env, FASTN_NET_NETWORK: 'loopback' }
})
