// Checks the types of the packed package: publint, attw, and a program compiled with each TypeScript version and module resolution.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { at } from '../util.mjs'
import { manifest } from './manifests.mjs'
import { staged } from './stage.mjs'

const bin = (...path) => at('__test__', 'release', 'node_modules', ...path)

const compilers = ['5.6', '5.9', '6', '7']

/** Module resolutions, each with its `lib`: with and without DOM. */
const kinds = {
  node16: { module: 'node16', moduleResolution: 'node16', lib: ['es2022'] },
  nodenext: { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022', 'dom'] },
  bundler: { module: 'esnext', moduleResolution: 'bundler', lib: ['es2022'] }
}

const strict = {
  target: 'es2022',
  types: [],
  noEmit: true,
  strict: true,
  skipLibCheck: false,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  isolatedModules: true,
  verbatimModuleSyntax: true
}

/** @returns {Generator<{ name: string, error: string | undefined }>} Each takes seconds. */
export function* typeCases() {
  const { name, version } = manifest()
  const tarball = at('target', 'tarballs', `${name}-${version}.tgz`)
  const mail = at('target', 'tarballs', `fastn-mail-${version}.tgz`)
  for (const [of, file] of Object.entries({ [name]: tarball, 'fastn-mail': mail })) {
    yield run(`publint finds nothing in ${of}`, bin('publint', 'src', 'cli.js'), ['run', file, '--strict'])
    const attw = bin('@arethetypeswrong', 'cli', 'dist', 'index.js')
    // ESM only is a decision: docs/decisions/0003-esm-only.md.
    yield run(`attw finds nothing but ESM only in ${of}`, attw, [file, '--profile', 'esm-only'])
  }
  const folder = at('target', 'types')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(folder, 'node_modules'), { recursive: true })
  symlinkSync(join(staged, name), join(folder, 'node_modules', name), 'junction')
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }\n')
  cpSync(at('__test__', 'types', 'program.ts'), join(folder, 'program.ts'))
  for (const compiler of compilers)
    for (const [kind, options] of Object.entries(kinds)) {
      const newer = Number(compiler) >= 5.8 ? { erasableSyntaxOnly: true } : {}
      const config = join(folder, `tsconfig.${compiler}.${kind}.json`)
      const compilerOptions = { ...strict, ...newer, ...options }
      writeFileSync(config, JSON.stringify({ compilerOptions, files: ['program.ts'] }))
      const tsc = bin(`typescript-${compiler}`, 'bin', 'tsc')
      yield run(`TypeScript ${compiler}, ${kind}, lib ${options.lib.join(' and ')}`, tsc, ['-p', config])
    }
}

function run(name, script, args) {
  const { error, status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    cwd: at(),
    encoding: 'utf8'
  })
  return { name, error: status === 0 ? undefined : `${error?.message ?? ''}${stdout}${stderr}`.slice(0, 3000) }
}
