// npm run demo [-- FILE]
import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { prepare } from './prepare.mjs'
import { at, become, fail } from './util.mjs'

// npm runs scripts in the package folder. FILE is relative to the user's working directory, INIT_CWD.
const file = process.argv[2] === undefined ? at('README.md') : resolve(process.env.INIT_CWD ?? '.', process.argv[2])
try {
  accessSync(file, constants.R_OK)
} catch (error) {
  fail(error.code === 'ENOENT' ? `There is no file ${file}.` : `The file ${file} cannot be read: ${error.message}.`)
}
if (!statSync(file).isFile()) fail(`${file} is not a file.`)

await prepare({ examples: true })
await become(process.execPath, [at('dist-examples', 'demo', 'main.js'), file])
