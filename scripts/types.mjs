// Rolls up the public types from src into index.d.ts, node.d.ts and those of the other entries.
// `npm run build` writes them. Run directly, this script fails if they are stale.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { install } from './install.mjs'
import { at, fail, run, say, subpaths, tool } from './util.mjs'

/** Writes the files from tsc's declarations. Leaves an up-to-date file untouched. */
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
    // `fastn-net/node` and the others must import the package's own classes, never a copy.
    const { output } = await bundle.generate({ paths: id => (id.startsWith('node:') ? id : './index.js') })
    const [{ code, moduleIds }] = output
    const header = `// Generated from src/${entry}.ts by scripts/types.mjs: do not edit.\n`
    // TypeScript 6 and newer include only types that are referenced.
    const types = '/// <reference types="node" />\n'
    return { text: `${header}${types}\n${code.trim()}\n`, files: new Set(moduleIds) }
  }
  const builtin = id => id.startsWith('node:')
  const index = await roll('index', builtin)
  const ofIndex = (id, parent) =>
    parent !== undefined && index.files.has(resolve(dirname(parent), id.replace(/\.js$/, '.d.ts')))
  const subpath = name => roll(`${name}/index`, (id, parent) => builtin(id) || ofIndex(id, parent))
  const others = subpaths.map(async name => [`${name}.d.ts`, (await subpath(name)).text])
  return [['index.d.ts', index.text], ...(await Promise.all(others))]
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
  const stale = (await rollUp(declarations)).filter(([name, text]) => stored(name) !== text)
  if (stale.length > 0) {
    fail(`Stale: ${stale.map(([name]) => name).join(', ')}. Run 'npm run build' and commit the result.`)
  }
  // Compile them as a strict user does, without skipLibCheck.
  const strict = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022']
  // An empty typeRoots folder emulates TypeScript 6, which includes only referenced types.
  const module = ['--module', 'nodenext', '--typeRoots', join(declarations, 'none')]
  for (const more of ['', ',dom,dom.iterable,dom.asynciterable']) {
    const libraries = ['--lib', `es2023,esnext.disposable${more}`, ...module]
    run(process.execPath, [
      tool.tsc,
      ...strict,
      ...libraries,
      ...['index', ...subpaths].map(name => `${name}.d.ts`),
      '__test__/types/program.ts'
    ])
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  install()
  say('types: index.d.ts and those of the other entries match src')
  await check()
}
