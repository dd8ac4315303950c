// A bundle that contains fastn-net but no addon fails with advice. With the addon next to it, it runs. `npm run test:bundlers` uses real
// bundlers.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { type ModuleFormat, rollup } from 'rollup'

const root = fileURLToPath(new URL('../../', import.meta.url))

const program = `
import { SecretKey } from 'fastn-net'
try {
  console.log(SecretKey.generate().id52.length)
} catch (error) {
  console.log(error.code, error.message)
}`

interface Options {
  external?: boolean
  /** The addon is copied next to the bundle. */
  copied?: boolean
  /** `package.json` next to the bundle. */
  manifest?: object | undefined
  /** Another program imports the bundle, in which `import.meta.url` is a path of the build machine, as webpack leaves it. */
  hosted?: boolean
}

/** Bundles a program, runs it without its sources, and returns its output. */
async function run(t: ExecutionContext, format: ModuleFormat, options: Options) {
  const { external = false, copied = false, hosted = false, manifest } = options
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-bundle-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const installed = join(folder, 'installed')
  for (const file of ['package.json', 'dist/index.js', 'dist/services.js', 'dist/http.js', 'dist/fetch.js'])
    cpSync(join(root, file), join(installed, file))
  writeFileSync(join(folder, 'program.js'), program)
  const bundle = await rollup({
    input: join(folder, 'program.js'),
    external: id => id.startsWith('node:') || (external && id === 'fastn-net'),
    plugins: [
      {
        name: 'packages',
        resolveId: id => (id === 'fastn-net' ? join(installed, 'dist/index.js') : null),
        resolveImportMeta: property => (hosted && property === 'url' ? '"file:///gone/dist/index.js"' : null)
      }
    ],
    onwarn() {}
  })
  const out = join(folder, 'out')
  const extension = format === 'es' ? 'mjs' : 'cjs'
  await bundle.write({ file: join(out, `program.${extension}`), format, inlineDynamicImports: true })
  await bundle.close()
  rmSync(installed, { recursive: true })
  if (manifest !== undefined) writeFileSync(join(out, 'package.json'), JSON.stringify(manifest))
  if (external) {
    const modules = join(out, 'node_modules', 'fastn-net')
    mkdirSync(modules, { recursive: true })
    for (const file of ['package.json', 'dist']) cpSync(join(root, file), join(modules, file), { recursive: true })
  }
  if (copied)
    for (const file of readdirSync(join(root, 'dist')))
      if (file.endsWith('.node')) cpSync(join(root, 'dist', file), join(out, file))
  const { FASTN_NET_ADDON: _, ...env } = process.env
  const file = join(out, `program.${extension}`)
  const host = join(folder, 'host.mjs')
  writeFileSync(host, `await import(${JSON.stringify(pathToFileURL(file).href)})`)
  return execFileSync(process.execPath, [hosted ? host : file], { env, encoding: 'utf8' }).trim()
}

const manifests: [string, object | undefined][] = [
  ['without a package.json', undefined],
  ['with a package.json', { name: 'app' }],
  ['with imports of its own', { name: 'app', imports: { '#own': './own.js' } }]
]

for (const format of ['es', 'cjs'] as const) {
  for (const [how, manifest] of manifests)
    test(`a bundle (${format}, ${how}) fails with advice to keep fastn-net external or to copy the addon`, async t => {
      const printed = await run(t, format, { manifest })
      t.regex(printed, /^ERR_NATIVE /)
      t.regex(printed, /bundled into .*program\.[cm]js: keep fastn-net external, or copy/)
    })

  test(`a bundle (${format}) with the addon next to it runs`, async t => {
    t.is(await run(t, format, { copied: true }), '52')
  })

  test(`a bundle (${format}) that another program imports finds the addon next to it`, async t => {
    t.is(await run(t, format, { copied: true, hosted: true }), '52')
  })

  test(`a bundle (${format}) that another program imports names itself and each folder it looked in`, async t => {
    const printed = await run(t, format, { hosted: true })
    const [, file = '', folders = ''] =
      /bundled into (\S+): .*FASTN_NET_ADDON\. Neither .* is in (.*)$/.exec(printed) ?? []
    t.regex(file, /[\\/]out[\\/]program\.[cm]js$/)
    t.is(folders.split(' or ').length, 3, printed)
    t.true(folders.startsWith(dirname(file)), printed)
  })
}

test('a bundle with fastn-net external runs', async t => {
  t.is(await run(t, 'es', { external: true }), '52')
})
