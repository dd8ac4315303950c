// npm run test:loom [-- wake_queue]   loom models of code that threads share: the wake queue, the handle table and the pending
//                                     acknowledgements; ends with 'N passed, N failed'
import { cargoCounts, closeWithCount, suite } from './suite.mjs'
import { at, needCargo } from './util.mjs'

closeWithCount()
needCargo()
process.env.CARGO_TARGET_DIR = at('target', 'models')
const manifest = ['--manifest-path', at('models', 'Cargo.toml')]
// The modelled files' own tests need types that the models replace.
const only = ['--skip', '::tests::', ...process.argv.slice(2)]
await suite('cargo', ['test', '--quiet', ...manifest, '--', ...only], cargoCounts)
