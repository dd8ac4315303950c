// npm run test:loom [-- wake_queue]   models of the code in which threads meet, in every order of their steps: the wake queue, the handle
//                                     table and the pending acknowledgements; ends with 'N passed, N failed'
import { cargoCounts, closeWithCount, suite } from './suite.mjs'
import { at, needCargo } from './util.mjs'

closeWithCount()
needCargo()
process.env.CARGO_TARGET_DIR = at('target', 'models')
const manifest = ['--manifest-path', at('models', 'Cargo.toml')]
// The files' own tests use what only exists within a model.
const only = ['--skip', '::tests::', ...process.argv.slice(2)]
await suite('cargo', ['test', '--quiet', ...manifest, '--', ...only], cargoCounts)
