// The platforms with an addon: the folders of `npm`, each with its Rust target.
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { at, fail } from '../util.mjs'
import { manifest } from './manifests.mjs'

const require = createRequire(import.meta.url)

/** Names of the folders in `npm`, such as `linux-x64-gnu`, each with its Rust target. They must be the targets of package.json. */
export function platforms() {
  // Here and not above: in a fresh clone, a command that installs it imports this file first.
  const { parseTriple } = require('@napi-rs/cli')
  const { targets } = manifest().napi
  const wanted = targets.map(target => ({ name: parseTriple(target).platformArchABI, target }))
  wanted.sort((a, b) => (a.name < b.name ? -1 : 1))
  const folders = readdirSync(at('npm')).sort()
  if (folders.join() !== wanted.map(({ name }) => name).join())
    fail(`package.json has the targets ${targets.join(', ')}, and npm has the folders ${folders.join(', ')}`)
  return wanted
}
