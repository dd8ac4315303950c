// npm run example NAME [ARGUMENTS]
import { readdirSync } from 'node:fs'
import { parse } from 'node:path'
import { prepare } from './prepare.mjs'
import { at, become, fail } from './util.mjs'

const [name, ...args] = process.argv.slice(2)
const files = readdirSync(at('examples')).filter(file => /\.(ts|mjs)$/.test(file))
const file = files.find(file => parse(file).name === name)
if (!file) fail(`npm run example NAME, where NAME is one of: ${files.map(file => parse(file).name).join(', ')}`)

await prepare({ examples: true })
const program = at('dist-examples', file.replace(/\.ts$/, '.js'))
await become(process.execPath, [program, ...args], { cwd: process.env.INIT_CWD })
