// Bundles the command line to `dist/cli.js`, with the npm packages that it uses, and writes their licences next to it. The library stays
// outside: `dist/cli.js` imports `dist/index.js`, `dist/node.js` and so on, and the library never imports the command line.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { at, fail, subpaths } from './util.mjs'

/** Files next to `dist/cli.js` that it imports, by the module from which each is compiled. */
const entries = Object.fromEntries([
  [at('dist', 'modules', 'index.js'), './index.js'],
  ...subpaths.map(name => [at('dist', 'modules', name, 'index.js'), `./${name}.js`]),
  [at('dist', 'modules', 'rig', 'services', 'index.js'), './rig-services.js']
])

/**
 * @param {(code: string) => string} withoutComments Removes comments.
 * @param {string[]} bundled Files of npm packages that the library contains.
 */
export async function bundleCli(withoutComments, bundled) {
  const { rollup } = await import('rollup')
  const made = await rollup({
    input: at('dist', 'modules', 'cli', 'main.js'),
    external: id => id.startsWith('node:') || id in entries,
    plugins: [{ name: 'packages', resolveId: id => (/^[\w@]/.test(id) ? resolvePackage(id) : null) }, pageTexts],
    onwarn(warning) {
      // Cycles inside a package are ignored.
      if (warning.code === 'CIRCULAR_DEPENDENCY' && warning.ids?.every(isOfPackage)) return
      fail(`dist/cli.js: ${warning.message}`)
    }
  })
  const { output } = await made.generate({
    format: 'es',
    file: at('dist', 'cli.js'),
    paths: id => entries[id] ?? id,
    inlineDynamicImports: true,
    plugins: [{ name: 'bare', renderChunk: code => ({ code: withoutComments(code), map: null }) }]
  })
  const [chunk, ...others] = output
  if (others.length > 0) fail(`dist/cli.js has other chunks: ${others.map(({ fileName }) => fileName).join(', ')}`)
  writeFileSync(at('dist', 'cli.js'), `#!/usr/bin/env node\n${chunk.code}`)
  chmodSync(at('dist', 'cli.js'), 0o755)
  writeFileSync(at('dist', 'THIRD-PARTY-LICENSES'), licences([...chunk.moduleIds, ...bundled]))
}

/** The files of the page of `fastn-net status --web`, which are imported as strings. */
const pageTexts = {
  name: 'page-texts',
  resolveId: id => (/^\.\/page\/page\.\w+$/.test(id) ? at('src', 'cli', 'status', id) : null),
  load(file) {
    if (!file.startsWith(at('src', 'cli', 'status', 'page'))) return null
    return `export default ${JSON.stringify(readFileSync(file, 'utf8'))}`
  }
}

export function resolvePackage(id) {
  return id.startsWith('node:') ? null : fileURLToPath(import.meta.resolve(id))
}

/** The licence of each bundled package. A package without one fails the build. */
function licences(modules) {
  const folders = new Set(modules.map(packageOf).filter(folder => folder !== undefined))
  const texts = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find(each => /^licen[cs]e/i.test(each))
    if (file === undefined) fail(`${name}, which the package contains, has no licence file.`)
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`
  })
  return `JavaScript files in this folder contain these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

/** The folder of the npm package that a module belongs to; `undefined` for a module of this package. */
function packageOf(module) {
  if (!isOfPackage(module)) return undefined
  let folder = dirname(module)
  while (!existsSync(join(folder, 'package.json')) || !('name' in manifest(folder))) folder = dirname(folder)
  return folder
}

/** Whether a module belongs to an npm package. */
export function isOfPackage(module) {
  return relative(at(), module).startsWith(`node_modules${sep}`)
}

function manifest(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}
