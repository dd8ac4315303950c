import { writeFileSync } from 'node:fs'

// `npm test` compiles the tests from __test__ to dist-test: Node.js 20 does not strip types, and a compiled file runs in child processes
// and workers too.
// Tests with a raw peer run in a network namespace that `npm test` creates.
const elsewhere = process.env.FASTN_NET_TEST_NAMESPACE === '1' ? [] : ['!dist-test/wire/**']
// Fault tests need networks that `npm run test:faults` creates.
if (process.env.FASTN_NET_TEST_FAULTS !== '1') elsewhere.push('!dist-test/faults/**')
// Server tests need programs that `npm run test:servers` compiles.
if (process.env.FASTN_NET_TEST_SERVERS === undefined) elsewhere.push('!dist-test/servers/**')
// Tunnel tests need installed programs and a user, which `npm run test:tunnels` sets up.
if (process.env.FASTN_NET_TEST_TUNNELS === undefined) elsewhere.push('!dist-test/tunnels/**')
// Ecosystem tests need libraries that `npm run test:ecosystem` installs.
if (process.env.FASTN_NET_TEST_ECOSYSTEM !== '1') elsewhere.push('!dist-test/ecosystem/**')

export default {
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun,
  files: ['dist-test/**/*.test.js', ...elsewhere],
  // Each file has its own process: a crash or a leaked endpoint fails only that file.
  workerThreads: false,
  concurrency: 2,
  timeout: '2m',
  nodeArguments: ['--enable-source-maps'],
  // No test contacts other machines, even if it sets no network.
  environmentVariables: { FASTN_NET_NETWORK: 'loopback' }
}

/** Writes the counts of a run to the file named by FASTN_NET_TEST_COUNTS; see scripts/suite.mjs. */
async function observeRun({ events }) {
  const file = process.env.FASTN_NET_TEST_COUNTS
  if (file === undefined) return
  for await (const { type, stats } of events) {
    if (type === 'stats') writeFileSync(file, JSON.stringify(stats))
  }
}
