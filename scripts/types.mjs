// Rolls up the public types from src into index.d.ts, node.d.ts and those of the other entries.
// `npm run build` writes them, and the same for TypeScript 5.6 to dist/ts5.6. Run directly, this script fails if they are stale.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install, installOldestCompiler } from './install.mjs'
import { at, fail, run, say, subpaths, tool } from './util.mjs'

/** Writes the files from tsc's declarations. Leaves an up-to-date file untouched. */
export async function writeTypes(declarations) {
  const files = await rollUp(declarations)
  for (const [name, text] of files) if (stored(name) !== text) writeFileSync(at(name), text)
  writeOlderTypes(files)
}

/** Writes the types for TypeScript 5.6, whose `Uint8Array` takes no parameter. `exports` names them as `types@<5.7`. */
function writeOlderTypes(files) {
  mkdirSync(at('dist', 'ts5.6'), { recursive: true })
  for (const [name, text] of files)
    writeFileSync(at('dist', 'ts5.6', name), text.replaceAll('Uint8Array<ArrayBuffer>', 'Uint8Array'))
}

async function rollUp(declarations) {
  const { rollup } = await import('rollup')
  const { dts } = await import('rollup-plugin-dts')
  /**
   * The entry that owns the types of a file. Other entries import them from there instead of copying them, because classes have private
   * members.
   */
  const owners = new Map()
  const fileOf = id => id.replace(/\.js$/, '.d.ts')
  const roll = async (entry, name) => {
    const external = (id, parent) =>
      id.startsWith('node:') || (parent !== undefined && owners.has(resolve(dirname(parent), fileOf(id))))
    const bundle = await rollup({ input: join(declarations, `${entry}.d.ts`), external, plugins: [dts()] })
    const paths = id => (id.startsWith('node:') ? id : `./${owners.get(fileOf(id))}.js`)
    const { output } = await bundle.generate({ paths })
    const [{ code, moduleIds }] = output
    for (const file of moduleIds) owners.set(file, name)
    const header = `// Generated from src/${entry}.ts by scripts/types.mjs: do not edit.\n`
    // TypeScript 6 and newer include only types that are referenced.
    const types = '/// <reference types="node" />\n'
    return [`${name}.d.ts`, `${header}${types}\n${code.trim()}\n`]
  }
  const rolled = [await roll('index', 'index')]
  for (const name of subpaths) rolled.push(await roll(`${name}/index`, name))
  return rolled
}

function stored(name) {
  try {
    return readFileSync(at(name), 'utf8')
  } catch {
    return ''
  }
}

/** Compiles src to a separate folder and reports the files that differ. */
async function check() {
  // Not below node_modules: the roll-up treats files there as another package's.
  const declarations = at('dist', '.types')
  process.on('exit', () => rmSync(declarations, { recursive: true, force: true }))
  run(process.execPath, [tool.tsc, '-p', 'tsconfig.json', '--emitDeclarationOnly', '--outDir', declarations])
  const files = await rollUp(declarations)
  const stale = files.filter(([name, text]) => stored(name) !== text)
  if (stale.length > 0) {
    fail(`Stale: ${stale.map(([name]) => name).join(', ')}. Run 'npm run build' and commit the result.`)
  }
  writeOlderTypes(files)
  // Compile them as a strict user does, without skipLibCheck.
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022']
  // An empty typeRoots folder emulates TypeScript 6, which includes only referenced types.
  const module = ['--module', 'nodenext', '--typeRoots', join(declarations, 'none')]
  const names = files.map(([name]) => name)
  const compilers = [
    [tool.tsc, names],
    [
      at('__test__', 'typescript', 'node_modules', 'typescript', 'bin', 'tsc'),
      names.map(name => join('dist', 'ts5.6', name))
    ]
  ]
  for (const [tsc, own] of compilers)
    for (const more of ['', ',dom,dom.iterable,dom.asynciterable']) {
      const libraries = ['--lib', `es2023,esnext.disposable${more}`, ...module]
      run(process.execPath, [tsc, ...strict, ...libraries, ...own, '__test__/types/program.ts'])
    }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install()
  installOldestCompiler()
  say('types: index.d.ts and those of the other entries match src, and compile with TypeScript 5.6 too')
  await check()
}
