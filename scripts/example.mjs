// npm run example NAME [ARGUMENTS], where NAME is a path in `examples` without its extension
import { readdirSync } from 'node:fs'
import { prepare } from './prepare.mjs'
import { at, become, fail } from './util.mjs'

const [name, ...args] = process.argv.slice(2)
const files = readdirSync(at('examples'), { recursive: true })
  .map(file => file.replaceAll('\\', '/'))
  .filter(file => /\.(ts|mjs)$/.test(file) && !file.startsWith('demo/'))
const nameOf = file => file.replace(/\.(ts|mjs)$/, '')
const file = files.find(file => nameOf(file) === name)
if (!file) fail(`npm run example NAME, where NAME is one of: ${files.map(nameOf).sort().join(', ')}`)

await prepare({ examples: true })
const program = at('dist-examples', file.replace(/\.ts$/, '.js'))
await become(process.execPath, [program, ...args], { cwd: process.env.INIT_CWD })
