// npm run bench [-- OPTIONS OF bench/bench.mjs]
import { existsSync, readdirSync } from 'node:fs'
import { prepare } from './prepare.mjs'
import { at, become, run, say } from './util.mjs'

await prepare({ profile: 'release' })
const ready = readdirSync(at('bench', 'libs'))
  .filter(lib => existsSync(at('bench', 'libs', lib, 'package-lock.json')))
  .every(lib => existsSync(at('bench', 'libs', lib, 'node_modules')))
if (!ready) {
  say('bench: the libraries to compare with')
  run(process.execPath, [at('bench', 'setup.mjs')])
}
await become(process.execPath, [at('bench', 'bench.mjs'), ...process.argv.slice(2)], { cwd: at('bench') })
