// The public types, rolled up from src into index.d.ts and node.d.ts.
// `npm run build` writes them; this script by itself fails when they are not what src says.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'
import { at, fail, run, say, tool } from './util.mjs'

/** Writes both files from the declarations in a folder that tsc filled. A file that is right already is not touched. */
export async function writeTypes(declarations) {
  for (const [name, text] of await rollUp(declarations)) {
    if (stored(name) !== text) writeFileSync(at(name), text)
  }
}

async function rollUp(declarations) {
  const { rollup } = await import('rollup')
  const { dts } = await import('rollup-plugin-dts')
  const roll = async (entry, external) => {
    const bundle = await rollup({ input: join(declarations, `${entry}.d.ts`), external, plugins: [dts()] })
    // What `fastn-net/node` takes from the package must be the package's own class, never a copy of it.
    const { output } = await bundle.generate({ paths: id => (id.startsWith('node:') ? id : './index.js') })
    const [{ code, moduleIds }] = output
    const header = `// Generated from src/${entry}.ts by scripts/types.mjs: do not edit.\n`
    // TypeScript from 6 on takes no types that are not asked for.
    const types = '/// <reference types="node" />\n'
    return { text: `${header}${types}\n${code.trim()}\n`, files: new Set(moduleIds) }
  }
  const builtin = id => id.startsWith('node:')
  const index = await roll('index', builtin)
  const ofIndex = (id, parent) =>
    parent !== undefined && index.files.has(resolve(dirname(parent), id.replace(/\.js$/, '.d.ts')))
  const node = await roll('node/index', (id, parent) => builtin(id) || ofIndex(id, parent))
  return [
    ['index.d.ts', index.text],
    ['node.d.ts', node.text]
  ]
}

function stored(name) {
  try {
    return readFileSync(at(name), 'utf8')
  } catch {
    return ''
  }
}

/** Compiles src anew, beside everything else, and names the files that differ. */
async function check() {
  // Not below node_modules: what is there, the roll-up takes for another package's.
  const declarations = at('dist', '.types')
  process.on('exit', () => rmSync(declarations, { recursive: true, force: true }))
  run(process.execPath, [tool.tsc, '-p', 'tsconfig.json', '--emitDeclarationOnly', '--outDir', declarations])
  const stale = (await rollUp(declarations)).filter(([name, text]) => stored(name) !== text)
  if (stale.length > 0) {
    fail(`Not what src says: ${stale.map(([name]) => name).join(', ')}. Run 'npm run build' and commit the result.`)
  }
  // As a strict user compiles them: nothing skipped, nothing missing.
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022']
  // From TypeScript 6 on, types that nothing refers to are not there: no folder to find them in is the same.
  const module = ['--module', 'nodenext', '--typeRoots', join(declarations, 'none')]
  for (const more of ['', ',dom,dom.iterable,dom.asynciterable']) {
    const libraries = ['--lib', `es2023,esnext.disposable${more}`, ...module]
    run(process.execPath, [tool.tsc, ...strict, ...libraries, 'index.d.ts', 'node.d.ts', '__test__/types/program.ts'])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install()
  say('types: index.d.ts and node.d.ts are what src says')
  await check()
}
