// Set-up from a fresh clone to runnable programs. Skips each step whose inputs have not changed.
import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { bundleCli, isOfPackage, resolvePackage } from './bundle-cli.mjs'
import { install, installRawPeer } from './install.mjs'
import { releaseEnv } from './release/release-env.mjs'
import {
  at,
  fingerprint,
  hostTarget,
  needCargo,
  noted,
  root,
  run,
  say,
  stamp,
  subpaths,
  tool,
  unstamp
} from './util.mjs'

/** The public types of the entries. */
const typeFiles = ['index', ...subpaths].map(name => `${name}.d.ts`)

/** FASTN_NET_PREBUILT=1 uses the addon in `src/generated` without a rebuild: CI tests the addon that it publishes. */
export const prebuilt = process.env.FASTN_NET_PREBUILT === '1'

/**
 * Builds `dist`, and optionally the examples and tests.
 *
 * @param {object} wanted
 * @param {'dev-release' | 'release'} [wanted.profile] The addon's profile. Default: either profile is accepted.
 * @param {boolean} [wanted.examples] Compile `examples` too.
 * @param {boolean} [wanted.tests] Compile `__test__` too.
 * @param {boolean} [wanted.mail] Compile `packages/mail` too, and its tests.
 */
export async function prepare({ profile, examples = false, tests = false, mail = false } = {}) {
  if (!addonIsBuilt(profile)) needCargo()
  install()
  buildAddon(profile)
  await compile()
  place()
  if (examples) compileFolder('examples', 'dist-examples')
  if (tests) compileTests()
  if (mail) compileMail()
}

/** Profile of the addon in `src/generated`; `undefined` if it was not built here. */
export function addonProfile() {
  return noted('addon', addonOutputs)?.profile
}

const addonInputs = ['Cargo.toml', 'Cargo.lock', 'crates', 'third_party']
const addonOutputs = ['src/generated/binding.d.cts']

function addonIsBuilt(profile) {
  if (prebuilt) return true
  const note = noted('addon', addonOutputs)
  return note?.inputs === fingerprint(...addonInputs) && (profile === undefined || note.profile === profile)
}

/** Builds the addon into `src/generated`. Passes `args` to `napi build`. */
export function buildAddon(profile, args = []) {
  if (args.length === 0 && addonIsBuilt(profile)) return
  const made = profile ?? 'dev-release'
  say(`addon (${made}${made === 'dev-release' ? ', the first time takes minutes' : ', takes minutes'})`)
  unstamp('addon')
  const inputs = fingerprint(...addonInputs)
  napiBuild(made, args)
  stamp('addon', { inputs, profile: made })
}

/**
 * Runs `napi build` in a copy of this repository, which writes to its `src/generated`.
 *
 * @param {'dev-release' | 'release'} profile
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] `cwd`: the copy.
 */
export function napiBuild(profile, args, { cwd = root, env = process.env } = {}) {
  const build = ['build', '--platform', '--profile', profile]
  // `src/native/find-addon.ts` loads the addon. napi's own loader tries 30 names and does not support bundles.
  const output = ['--output-dir', 'src/generated', '--no-js', '--dts', 'binding.d.cts']
  const crate = ['--manifest-path', 'crates/fastn-net-node/Cargo.toml', '--no-const-enum']
  const { target, rest } = targetOf(args)
  const released = profile === 'release' ? { ...env, ...releaseEnv(cwd, target, env) } : env
  run(process.execPath, [tool.napi, ...build, ...crate, ...output, ...rest], { cwd, env: released })
}

/** The Rust target of arguments for `napi build`, and these as they are passed on. */
function targetOf(args) {
  const index = args.indexOf('--target') + 1
  if (index === 0) return { target: hostTarget(), rest: args }
  const target = args[index]
  // zig has stubs of every glibc. The one of Node.js 20.
  const isOfZig = args.some(each => each === '--cross-compile' || each === '-x')
  const rest = isOfZig && target.endsWith('-linux-gnu') ? args.with(index, `${target}.2.28`) : args
  return { target, rest }
}

/**
 * Compiles `src` to `dist/modules` and bundles it to the entries `dist/index.js`, `dist/node.js` and so on. Importing many small files takes
 * several times as long as one bundle. Bundles the command line to `dist/cli.js`. Rolls up the public types to `index.d.ts`, `node.d.ts`
 * and so on.
 */
export async function compile() {
  const scripts = ['scripts/prepare.mjs', 'scripts/bundle-cli.mjs', 'scripts/types.mjs']
  const inputs = fingerprint('src', 'tsconfig.json', ...scripts, 'node_modules/typescript/package.json')
  const outputs = ['index', ...subpaths, 'cli'].map(name => `dist/${name}.js`)
  if (noted('dist', [...outputs, ...typeFiles])?.inputs === inputs) return
  say('src → dist')
  unstamp('dist')
  // Remove modules whose source is gone, so no import finds them. Keep the addon: another process may have it open.
  for (const name of existsSync(at('dist')) ? readdirSync(at('dist')) : []) {
    if (!name.endsWith('.node')) rmSync(at('dist', name), { recursive: true })
  }
  run(process.execPath, [tool.tsc, '-p', 'tsconfig.json'])
  const bundled = await bundle()
  await bundleCli(await commentRemover(), bundled)
  const { writeTypes } = await import('./types.mjs')
  await writeTypes(at('dist', 'modules'))
  stamp('dist', { inputs })
}

/** Returns the files of npm packages that the entries contain. */
async function bundle() {
  const { rollup } = await import('rollup')
  const { default: ts } = await import('typescript')
  const entry = (...path) => at('dist', 'modules', ...path, 'index.js')
  const input = { index: entry(), ...Object.fromEntries(subpaths.map(name => [name, entry(name)])) }
  // Only for the command line: package.json does not export it.
  input['rig-services'] = entry('rig', 'services')
  const made = await rollup({
    input,
    external: id => id.startsWith('node:') || id.startsWith('@'),
    plugins: [packages, maps]
  })
  // Strip comments: the types have them already, and they are a third of the bytes that an import reads.
  const compilerOptions = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    removeComments: true,
    sourceMap: true
  }
  const bare = {
    name: 'bare',
    renderChunk(code) {
      const { outputText, sourceMapText } = ts.transpileModule(code, { compilerOptions })
      return { code: ascii(outputText.replace(/^\/\/# sourceMappingURL=.*$/m, '')), map: sourceMapText }
    }
  }
  // Everything that an import needs is one chunk, `library`; split by shared parts, an import takes a fifth longer. `services` is loaded
  // while the first endpoint binds its sockets (see src/util/late.ts), `http` on first use.
  let reachable
  const manualChunks = (id, { getModuleInfo }) => {
    reachable ??= imported(input.index, getModuleInfo, true)
    const [folder, file] = relative(at('dist', 'modules'), id).split(sep)
    // The rig uses this chunk too.
    if (folder === 'account' && file !== 'index.js') return 'accounts'
    // Modules of the other entries get their own chunks.
    if (!reachable.has(id)) return undefined
    if (imported(input.index, getModuleInfo).has(id)) return 'library'
    if (folder !== 'http' || httpOfEndpoints.includes(file)) return 'services'
    return httpOfFetch.includes(file) ? 'fetch' : 'http'
  }
  const chunks = { chunkFileNames: '[name].js', manualChunks, hoistTransitiveImports: false }
  const plugins = [bare, oneFile]
  const { output } = await made.write({ dir: at('dist'), format: 'es', ...chunks, plugins, sourcemap: true })
  return output.flatMap(({ moduleIds = [] }) => moduleIds.filter(isOfPackage))
}

/** The files of `src/http` that an endpoint needs before the first request. */
const httpOfEndpoints = ['kept-streams.js', 'options.js']

/** The files of `src/http` for requests only. They name `Response`, which takes Node.js 20 ms to load; `http` is part of other entries. */
const httpOfFetch = ['exchange.js', 'fetch.js', 'message.js', 'received-response.js']

/** npm packages that an entry contains. */
const packages = { name: 'packages', resolveId: id => (id === 'mrmime' ? resolvePackage(id) : null) }

const maps = {
  name: 'maps',
  load(file) {
    const code = readFileSync(file, 'utf8')
    return isOfPackage(file) ? code : { code, map: readFileSync(`${file}.map`, 'utf8') }
  }
}

/**
 * Moves the code of `library.js` to `index.js`, which otherwise only re-exports it: a second file costs an import half a millisecond. Other
 * chunks get the parts that they need through an export of `index.js` that no types declare.
 */
const oneFile = {
  name: 'one-file',
  generateBundle(_, bundle) {
    const { 'index.js': index, 'library.js': library } = bundle
    const local = exportsOf(library.code)
    const shared = Object.entries(local).map(([name, value]) => (name === value ? name : `${name}: ${value}`))
    const shown = Object.entries(exportsOf(index.code)).map(([name, from]) =>
      local[from] === name ? name : `${local[from]} as ${name}`
    )
    index.code = library.code
      .replace(
        exportList,
        () => `const internals = { ${shared.join(', ')} };\nexport { internals, ${shown.join(', ')} };`
      )
      .replace('library.js.map', 'index.js.map')
    const { 'index.js.map': map, 'library.js.map': libraryMap } = bundle
    map.source = JSON.stringify({ ...JSON.parse(libraryMap.source), file: 'index.js' })
    delete bundle['library.js']
    delete bundle['library.js.map']
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === 'chunk' && chunk !== index) chunk.code = chunk.code.replace(libraryImport, internalsImport)
    }
  }
}

const exportList = /^export \{ (.*) \}.*;$/m

/** The exports of a chunk: name to local name, or to the name in the chunk from which it re-exports. */
function exportsOf(code) {
  const [, list] = exportList.exec(code)
  return Object.fromEntries(namesIn(list).map(([from, name]) => [name, from]))
}

const libraryImport = /^import \{ (.*) \} from '\.\/library\.js';$/m

/** An import of `library.js` as one of `index.js`: one line as before, for the source map. */
function internalsImport(_, list) {
  const names = namesIn(list).map(([name, local]) => (name === local ? name : `${name}: ${local}`))
  return `import { internals } from './index.js'; const { ${names.join(', ')} } = internals;`
}

/** The names in the list of an import or export: each with the one after `as`. */
function namesIn(list) {
  return list
    .split(', ')
    .map(each => each.split(' as '))
    .map(([from, name = from]) => [from, name])
}

/** The modules that importing one compiles: those of `import` statements, and with `later` those of `import()`. */
function imported(entry, moduleInfo, later = false) {
  const found = new Set([entry])
  for (const id of found) {
    const { importedIds, dynamicallyImportedIds } = moduleInfo(id)
    for (const each of later ? [...importedIds, ...dynamicallyImportedIds] : importedIds) found.add(each)
  }
  return found
}

/**
 * Escapes non-ASCII characters, which occur only in strings: otherwise V8 stores the code with two bytes per character, and parses it
 * more slowly.
 */
function ascii(code) {
  return code.replace(/[^\0-\x7f]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Returns a function that removes comments from code. */
async function commentRemover() {
  const { default: ts } = await import('typescript')
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true }
  return code => ts.transpileModule(code, { compilerOptions: target }).outputText
}

/** Copies the addon next to the compiled code, which loads it from there. */
export function place() {
  const from = at('src', 'generated')
  for (const name of readdirSync(from)) {
    if (!name.endsWith('.node')) continue
    const [source, target] = [join(from, name), at('dist', name)]
    const [made, placed] = [statSync(source), statSync(target, { throwIfNoEntry: false })]
    if (!placed || placed.size !== made.size || placed.mtimeMs < made.mtimeMs) {
      // Rename atomically: running processes keep the old addon open, and no process loads a partial file.
      copyFileSync(source, `${target}.new`)
      renameSync(`${target}.new`, target)
    }
    // Tests also import single modules. A link makes both one addon for a process.
    const link = at('dist', 'modules', 'native', name)
    if (!existsSync(link)) symlinkSync(join('..', '..', name), link)
  }
}

/** Compiles the tests, and links the raw peer's packages so that the compiled tests resolve them. */
function compileTests() {
  installRawPeer()
  compileFolder('__test__', 'dist-test')
  const link = at('dist-test', 'iroh', 'node_modules')
  if (!existsSync(link)) symlinkSync(at('__test__', 'iroh', 'node_modules'), link, 'junction')
}

/** Compiles `packages/mail` and its tests. The tests import the compiled code, so a failed build removes the old one. */
export function compileMail({ tests = true } = {}) {
  compileFolder('packages/mail', 'packages/mail/dist', ['packages/mail/src', 'packages/mail/tsconfig.json'])
  if (tests)
    compileFolder('packages/mail/__test__', 'packages/mail/dist-test', ['packages/mail/dist', 'packages/mail/__test__'])
}

function compileFolder(folder, output, sources = [folder]) {
  const inputs = fingerprint(
    ...sources,
    `${folder}/tsconfig.json`,
    'tsconfig.json',
    ...typeFiles,
    'node_modules/typescript/package.json'
  )
  const step = output.replaceAll('/', '-')
  if (noted(step, [output])?.inputs === inputs) return
  say(`${folder} → ${output}`)
  unstamp(step)
  rmSync(at(output), { recursive: true, force: true })
  run(process.execPath, [tool.tsc, '-p', folder])
  stamp(step, { inputs })
}
