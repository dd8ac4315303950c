// npm test                 cargo tests, then ava; ends with 'N passed, N failed' for both
// npm test -- ARGUMENTS    ava only: files (__test__/unit/id52.test.ts) and ava options
import { spawnSync } from 'node:child_process'
import { prebuilt, prepare } from './prepare.mjs'
import { avaSuite, cargoCounts, closeWithCount, suite } from './suite.mjs'
import { hostTarget, needCargo, say } from './util.mjs'

const given = process.argv.slice(2)

closeWithCount()
await prepare({ examples: true, tests: true })
if (given.length === 0 && !prebuilt) {
  needCargo()
  await suite(
    'cargo',
    ['test', '--workspace', '--profile', 'dev-release', '--target', hostTarget(), '--no-fail-fast'],
    cargoCounts
  )
}
// A raw peer requests port mappings from the router, so it runs in a namespace without one.
const wire = given.some(argument => argument.includes('__test__/wire'))
if (!wire) await avaSuite(given.map(compiled))
if (wire || given.length === 0) await wireSuite(wire ? given.map(compiled) : ['dist-test/wire/**'])

/** Runs ava in a network namespace with loopback only. mDNS works on it. */
async function wireSuite(args) {
  const up = 'ip link set lo up multicast on && ip route add 224.0.0.0/4 dev lo'
  const namespace = ['-rn', 'sh', '-c', `${up} && exec "$@"`, 'sh']
  if (spawnSync('unshare', [...namespace, 'true']).status !== 0) {
    say('__test__/wire SKIPPED: it needs a network namespace of its own (Linux, with unshare -rn and ip allowed)')
    return
  }
  process.env.FASTN_NET_TEST_NAMESPACE = '1'
  await avaSuite(args, ['unshare', ...namespace])
}

/** Maps a test's source path to its compiled file, which ava runs. */
function compiled(argument) {
  return argument.replace(/^(?:\.\/)?__test__\//, 'dist-test/').replace(/\.ts$/, '.js')
}
