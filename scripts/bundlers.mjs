// npm run test:bundlers                   bundles a program with each bundler and traces its files, and runs each result in an empty
//                                         folder; ends with 'N passed, N failed'
// npm run test:bundlers -- esbuild nft    only these
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { addonIn, addonName, makeApp, wholeExpected, wholeProgram } from './app.mjs'
import { installBundlers } from './install.mjs'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at, fail, subpaths } from './util.mjs'

const requireBundler = createRequire(at('__test__', 'bundlers', 'package.json'))
const entries = ['fastn-net', ...subpaths.map(name => `fastn-net/${name}`)]
const bun = at('__test__', 'bundlers', 'node_modules', '.bin', 'bun')
const load = async name => await import(requireBundler.resolve(name))

/**
 * How each bundler bundles a program: it writes `main.mjs` into `out`. `own`: fastn-net is bundled too.
 *
 * @type {Record<string, (options: { app: string, out: string, own: boolean }) => Promise<void>>}
 */
const bundlers = {
  async esbuild({ app, out, own }) {
    const { build } = await load('esbuild')
    await build({
      ...{ entryPoints: [join(app, 'main.mjs')], outfile: join(out, 'main.mjs') },
      ...{ bundle: true, platform: 'node', format: 'esm', logLevel: 'error' },
      external: own ? [] : ['fastn-net']
    })
  },
  async rollup({ app, out, own }) {
    const { rollup } = await load('rollup')
    const { default: nodeResolve } = await load('@rollup/plugin-node-resolve')
    const bundle = await rollup({
      input: join(app, 'main.mjs'),
      external: own ? [/^node:/] : [/^node:/, /^fastn-net/],
      plugins: [nodeResolve({ exportConditions: ['node'], preferBuiltins: true })],
      onwarn: ({ message }) => fail(`rollup: ${message}`)
    })
    await bundle.write({ dir: out, format: 'es', entryFileNames: '[name].mjs', inlineDynamicImports: true })
  },
  async vite({ app, out, own }) {
    const { build } = await load('vite')
    await build({
      ...{ root: app, logLevel: 'error', configFile: false },
      ssr: own ? { noExternal: true } : { external: ['fastn-net'] },
      build: {
        ssr: 'main.mjs',
        outDir: out,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: '[name].mjs' } }
      }
    })
  },
  async webpack({ app, out, own }) {
    const { default: webpack } = await load('webpack')
    const stats = await new Promise((resolve, reject) =>
      webpack(
        {
          ...{ mode: 'production', target: 'node20', context: app, entry: './main.mjs' },
          ...{ experiments: { outputModule: true }, externalsType: 'module' },
          output: { path: out, filename: 'main.mjs', module: true, chunkFormat: 'module' },
          externals: own ? [] : [/^fastn-net/],
          optimization: { minimize: false }
        },
        (error, result) => (error ? reject(error) : resolve(result))
      )
    )
    const { errors, warnings } = stats.toJson({ errors: true, warnings: true })
    // The optional keyring is imported by a computed name, so that no bundler follows it.
    const found = [...errors, ...warnings].filter(
      ({ message }) => !message.includes('the request of a dependency is an expression')
    )
    if (found.length > 0) throw new Error(found.map(({ message }) => message).join('\n'))
  },
  async ncc({ app, out, own }) {
    const ncc = requireBundler('@vercel/ncc')
    const { code, assets } = await ncc(join(app, 'main.mjs'), {
      quiet: true,
      externals: own ? [] : entries
    })
    for (const [name, { source }] of Object.entries(assets)) {
      mkdirSync(dirname(join(out, name)), { recursive: true })
      writeFileSync(join(out, name), source)
    }
    writeFileSync(join(out, 'main.mjs'), code)
  },
  async bun({ app, out, own }) {
    const options = ['build', 'main.mjs', '--target=node', '--outfile', join(out, 'main.mjs')]
    const external = own ? [] : entries.flatMap(name => ['--external', name])
    const { status, stderr } = spawnSync(bun, [...options, ...external], { cwd: app, encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
  }
}

/** @type {Record<string, () => Promise<void>>} */
const scenes = {}
for (const [name, bundle] of Object.entries(bundlers)) {
  scenes[`${name}: external, with the packages installed where it runs`] = () =>
    scene(async ({ app, out }) => {
      await bundle({ app, out, own: false })
      cpSync(join(app, 'node_modules'), join(out, 'node_modules'), { recursive: true })
    })
  scenes[`${name}: bundled, with the addon next to the bundle`] = () =>
    scene(async ({ app, out }) => {
      await bundle({ app, out, own: true })
      cpSync(addonIn(app), join(out, addonName()))
    })
  scenes[`${name}: bundled without the addon says what to do`] = () =>
    scene(
      ({ app, out }) => bundle({ app, out, own: true }),
      fails(/is bundled into \S+: keep fastn-net external, or copy fastn-net\.\S+\.node of/)
    )
}
for (const [name, copied] of /** @type {const} */ ([
  ['with the addon next to it', true],
  ['without the addon says what to do', false]
]))
  scenes[`bun: one executable, ${name}`] = () =>
    scene(
      async ({ app, out }) => {
        const made = spawnSync(bun, ['build', '--compile', 'main.mjs', '--outfile', join(out, 'program')], { cwd: app })
        if (made.status !== 0) throw new Error(String(made.stderr))
        if (copied) cpSync(addonIn(app), join(out, addonName()))
      },
      copied ? runs : fails(/is bundled into \S+: keep fastn-net external, or copy fastn-net\.\S+\.node of/),
      folder => [join(folder, process.platform === 'win32' ? 'program.exe' : 'program')]
    )
scenes['nft: finds the addon'] = () =>
  scene(async ({ app, out }) => {
    const { nodeFileTrace } = await load('@vercel/nft')
    const { fileList } = await nodeFileTrace([join(app, 'main.mjs')], { base: app, processCwd: app })
    for (const file of fileList) cpSync(join(app, file), join(out, file))
  })
scenes['nft: finds the addon through a bundle in which fastn-net is external'] = () =>
  scene(async ({ app, out }) => {
    const { nodeFileTrace } = await load('@vercel/nft')
    await bundlers.esbuild({ app, out: join(app, 'built'), own: false })
    const { fileList } = await nodeFileTrace([join(app, 'built', 'main.mjs')], { base: app, processCwd: app })
    for (const file of fileList)
      cpSync(join(app, file), join(out, relative('built', file).startsWith('..') ? file : relative('built', file)))
  })

if (process.argv.includes('--scenes')) await runScenes(process.argv.slice(3))
else {
  closeWithCount()
  await prepare()
  installBundlers()
  await suite(process.execPath, [at('scripts', 'bundlers.mjs'), '--scenes', ...process.argv.slice(2)], ownCount, 30)
}

async function runScenes(only) {
  let [passed, failed] = [0, 0]
  for (const [name, run] of Object.entries(scenes)) {
    if (only.length > 0 && !only.some(each => name.startsWith(each))) continue
    try {
      await run()
      passed++
      console.log(`  ✔ ${name}`)
    } catch (error) {
      failed++
      console.log(`  ✘ ${name}\n${error.message}`)
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
}

/** Builds in one folder and runs in another, which has only the build's output. The first one is deleted before. */
async function scene(build, judge = runs, command = folder => [process.execPath, join(folder, 'main.mjs')]) {
  const home = mkdtempSync(join(tmpdir(), 'fastn-net-bundlers-'))
  try {
    const [app, out, empty] = ['app', 'out', 'empty'].map(name => join(home, name))
    makeApp(app, wholeProgram)
    mkdirSync(out)
    await build({ app, out })
    rmSync(app, { recursive: true })
    renameSync(out, empty)
    const { FASTN_NET_ADDON: _, ...env } = { ...process.env, FASTN_NET_NETWORK: 'loopback' }
    const [program, ...args] = command(empty)
    judge(spawnSync(program, args, { cwd: empty, env, encoding: 'utf8', timeout: 120_000 }), empty)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

function runs({ stdout, stderr }) {
  if (stdout !== wholeExpected) throw new Error(`printed '${stdout}' and ${stderr.slice(-2000)}`)
}

function fails(pattern) {
  return ({ stdout, stderr }, folder) => {
    if (!stderr.includes('ERR_NATIVE') || !pattern.test(stderr))
      throw new Error(`printed '${stdout}' and ${stderr.slice(-2000)}`)
    const [, file] = /is bundled into (\S+):/.exec(stderr)
    if (!file.startsWith(folder) || !existsSync(file)) throw new Error(`names ${file}, which is not in ${folder}`)
  }
}
