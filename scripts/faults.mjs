// npm run test:faults                  all families; ends with 'N passed, N failed'
// npm run test:faults -- kill loss     only kill.test.ts and loss.test.ts in __test__/faults; other arguments go to ava
// npm run test:faults -- --short       no single wait above 15 s
import { readdirSync } from 'node:fs'
import { namespace, skipWhere, unready } from './namespace.mjs'
import { prepare } from './prepare.mjs'
import { avaSuite, closeWithCount } from './suite.mjs'
import { at, say } from './util.mjs'

const given = process.argv.slice(2).filter(argument => argument !== '--short')
const short = given.length < process.argv.length - 2
const families = readdirSync(at('__test__', 'faults')).flatMap(name => /^(.+)\.test\.ts$/.exec(name)?.[1] ?? [])

const outer = namespace('mount -t tmpfs none /run && mkdir /run/netns')
skipWhere(unready(outer, ['ip', 'netns', 'add', 'probe']))

const chosen = given.map(name => (families.includes(name) ? `dist-test/faults/${name}.test.js` : name))
if (!chosen.some(name => name.startsWith('dist-test/'))) chosen.push('dist-test/faults/*.test.js')
closeWithCount()
await prepare({ tests: true })
if (short) say('--short: no single wait above 15 s')
process.env.FASTN_NET_TEST_FAULTS = '1'
if (short) process.env.FASTN_NET_FAULTS_SHORT = '1'
// The tests mostly wait, so run more of them than there are processors.
const args = ['--concurrency', '5', '--timeout', '8m', ...chosen]
await avaSuite(args, outer)
