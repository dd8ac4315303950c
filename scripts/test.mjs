// npm test                 cargo tests, then ava; closes with 'N passed, N failed' over both
// npm test -- ARGUMENTS    ava only: files (__test__/unit/id52.test.ts) and ava's own options
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
// A raw peer asks the router for ports: it runs where there is none.
const wire = given.some(argument => argument.includes('__test__/wire'))
if (!wire) await avaSuite(given.map(compiled))
if (wire || given.length === 0) await wireSuite(wire ? given.map(compiled) : ['dist-test/wire/**'])

/** Runs ava in a network namespace that has loopback and nothing else. */
async function wireSuite(args) {
  const namespace = ['-rn', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  if (spawnSync('unshare', [...namespace, 'true']).status !== 0) {
    say('__test__/wire SKIPPED: it needs a network namespace of its own (Linux, with unshare -rn and ip allowed)')
    return
  }
  process.env.FASTN_NET_TEST_NAMESPACE = '1'
  await avaSuite(args, ['unshare', ...namespace])
}

/** A test's source is how a person names it; ava runs what was made of it. */
function compiled(argument) {
  return argument.replace(/^(?:\.\/)?__test__\//, 'dist-test/').replace(/\.ts$/, '.js')
}
