import base from '../../ava.config.js'

// Compiled from __test__ by `npm run test:mail`, which runs them with a Node.js that has node:sqlite.
export default {
  ...base,
  files: ['dist-test/**/*.test.js'],
  // Until Node.js 24.15, node:sqlite prints that it is experimental.
  nodeArguments: [...base.nodeArguments, '--disable-warning=ExperimentalWarning']
}
