// npm run test:ecosystem             libraries such as axios, pg and ssh2 over a peer; ends with 'N passed, N failed'
// npm run test:ecosystem -- ARGUMENTS    for ava
import { existsSync, symlinkSync } from 'node:fs'
import { installEcosystem } from './install.mjs'
import { prepare } from './prepare.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at } from './util.mjs'

closeWithCount()
await prepare({ tests: true })
installEcosystem()
const link = at('dist-test', 'ecosystem', 'node_modules')
if (!existsSync(link)) symlinkSync(at('__test__', 'ecosystem', 'node_modules'), link, 'junction')
process.env.FASTN_NET_TEST_ECOSYSTEM = '1'
await avaSuite(['dist-test/ecosystem/*.test.js', ...process.argv.slice(2)])
