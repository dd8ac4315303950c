// npm run docs: writes the TypeScript API to docs/api and the Rust API to target/doc. Warnings are errors.
import { install } from './install.mjs'
import { needCargo, run, say, tool } from './util.mjs'

needCargo()
install()
say('docs/api')
run(process.execPath, [tool.typedoc])
say('docs/api/mail')
run(process.execPath, [tool.typedoc, '--options', 'packages/mail/typedoc.json'])
say('target/doc')
run('cargo', ['doc', '--workspace', '--no-deps', '--profile', 'dev-release'], {
  env: { ...process.env, RUSTDOCFLAGS: '-D warnings' }
})
