import { writeFileSync } from 'node:fs'

// The tests are TypeScript under __test__, compiled to dist-test by `npm test`: Node 20 strips no types, and a
// plain file runs the same in a child process or a worker as in the test that starts it.
// What needs a raw peer runs in a network namespace, which `npm test` makes and tells of here.
const elsewhere = process.env.FASTN_NET_TEST_NAMESPACE === '1' ? [] : ['!dist-test/wire/**']
// Faults need a network made for them: `npm run test:faults` makes it.
if (process.env.FASTN_NET_TEST_FAULTS !== '1') elsewhere.push('!dist-test/faults/**')
// And servers ones that have to be compiled: `npm run test:servers`.
if (process.env.FASTN_NET_TEST_SERVERS === undefined) elsewhere.push('!dist-test/servers/**')
// Real programs need to be installed, and a user of their own: `npm run test:tunnels`.
if (process.env.FASTN_NET_TEST_TUNNELS === undefined) elsewhere.push('!dist-test/tunnels/**')
// And libraries that have to be installed: `npm run test:ecosystem`.
if (process.env.FASTN_NET_TEST_ECOSYSTEM !== '1') elsewhere.push('!dist-test/ecosystem/**')

export default {
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun,
  files: ['dist-test/**/*.test.js', ...elsewhere],
  // Each file has a process of its own: a crash or a leaked endpoint in one fails that file only.
  workerThreads: false,
  concurrency: 2,
  timeout: '2m',
  nodeArguments: ['--enable-source-maps'],
  // No test reaches past this machine, even where it names no network.
  environmentVariables: { FASTN_NET_NETWORK: 'loopback' }
}

/** Writes the counts of a run to the file that the script which started it names; see scripts/suite.mjs. */
async function observeRun({ events }) {
  const file = process.env.FASTN_NET_TEST_COUNTS
  if (file === undefined) return
  for await (const { type, stats } of events) {
    if (type === 'stats') writeFileSync(file, JSON.stringify(stats))
  }
}
