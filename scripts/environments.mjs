// npm run test:environments               runs a program in unusual surroundings of Node.js: test runners, loaders, contexts,
// permissions,
//                                         users, file systems, and as a single executable; ends with 'N passed, N failed'
// npm run test:environments -- jest vm    only these
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { addonIn, addonName, expected, makeApp, program } from './app.mjs'
import { installEnvironments } from './install.mjs'
import { prepare } from './prepare.mjs'
import { closeWithCount, ownCount, suite } from './suite.mjs'
import { at } from './util.mjs'

const tools = createRequire(at('__test__', 'environments', 'package.json'))
const bin = (...path) => at('__test__', 'environments', 'node_modules', ...path)
const [node, linux] = [process.execPath, process.platform === 'linux']

/** A test for runners that have `test` and `expect` as globals. */
const suiteOf = name => `
import { createEndpoint } from 'fastn-net'
${name === 'vitest' ? "import { expect, test } from 'vitest'" : ''}
for (const count of [1, 2])
  test('a call ' + count, async () => {
    const [server, client] = [await createEndpoint(), await createEndpoint()]
    server.serve('divide', ({ a, b }) => a / b)
    expect(await client.call(server.address(), 'divide', { a: 1, b: 4 })).toBe(0.25)
    await expect(client.call(server.address(), 'none', 1)).rejects.toMatchObject({ code: 'ERR_PROTOCOL_UNSUPPORTED' })
    await client.close()
    await server.close()
  })
`

/** @type {Record<string, (folder: string) => unknown>} */
const scenes = {
  'jest with --experimental-vm-modules': app => {
    for (const name of ['one', 'two']) writeFileSync(join(app, `${name}.test.js`), suiteOf('jest'))
    writeFileSync(join(app, 'jest.config.json'), '{ "transform": {}, "testEnvironment": "node", "watchman": false }')
    const flags = ['--experimental-vm-modules', bin('jest', 'bin', 'jest.js')]
    passes(run(app, [...flags, '--config', 'jest.config.json', '--maxWorkers', '2']), 4)
    // Several contexts of one process load the addon.
    passes(run(app, [...flags, '--config', 'jest.config.json', '--runInBand']), 4)
  },
  'vitest with threads': app => vitest(app, 'threads'),
  'vitest with forks': app => vitest(app, 'forks'),
  'tsx, which compiles TypeScript': app => {
    writeFileSync(join(app, 'main.ts'), `const text: string = ''\n${program}\nprocess.stdout.write(text)\n`)
    prints(run(app, [bin('tsx', 'dist', 'cli.mjs'), 'main.ts']))
  },
  'vm: a script of another context imports it, and gives bytes and options': app => {
    writeFileSync(
      join(app, 'vm.mjs'),
      `import vm from 'node:vm'
const importModuleDynamically = vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
const context = vm.createContext({ console })
const code = \`(async () => {
  const { createEndpoint } = await import('fastn-net')
  const [server, client] = [await createEndpoint({ closeTimeout: 1000 }), await createEndpoint()]
  server.serve('divide', ({ a, b }) => a / b)
  server.listen({ Echo: async stream => stream.finish(await stream.bytes()) })
  const stream = await client.getStream(server.address(), 'Echo')
  await stream.finish(new Uint8Array([1, 2, 3]))
  if ((await stream.bytes()).length !== 3) throw new Error('other bytes')
  console.log('divided', await client.call(server.address(), 'divide', { a: 1, b: 4 }))
  console.log('fetched', typeof client.fetch)
  await client.close()
  await server.close()
})()\`
await vm.runInContext(code, context, { importModuleDynamically })
`
    )
    prints(run(app, ['vm.mjs']))
  },
  'permissions: runs with --allow-addons': app => {
    const here = realpathSync(app)
    prints(run(app, [permission(), '--allow-addons', `--allow-fs-read=${here}/*`, ...network(), 'main.mjs']))
  },
  'permissions: without --allow-addons the error says so': app => {
    const { stderr } = run(app, [permission(), `--allow-fs-read=${realpathSync(app)}/*`, ...network(), 'main.mjs'])
    if (!/ERR_NATIVE/.test(stderr) || !/could not be loaded: .*addons/i.test(stderr))
      throw new Error(stderr.slice(-2000))
  },
  'without HOME': app => {
    const { HOME: _, USERPROFILE: __, XDG_CONFIG_HOME: ___, ...env } = process.env
    prints(run(app, ['main.mjs'], { env }))
  },
  ...(linux && {
    'a read-only file system': app => {
      // All folders, including the one for temporary files.
      const script =
        'mount -o remount,bind,ro / 2>/dev/null; mount --bind . . && mount -o remount,bind,ro . && cd "$PWD" && ! touch x 2>/dev/null && exec "$@"'
      prints(run(app, [node, 'main.mjs'], { command: 'unshare', before: ['-rm', 'sh', '-c', script, 'sh'] }))
    },
    'SIGUSR1, which starts the inspector': async app => {
      const wait =
        'process.on("message", () => {}); process.send("up"); await new Promise(done => process.once("message", done))\n'
      writeFileSync(join(app, 'inspected.mjs'), `${wait}${program}\nprocess.disconnect()\n`)
      const child = spawn(node, ['--inspect-port=0', 'inspected.mjs'], {
        cwd: app,
        env: environment(),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc']
      })
      let [stdout, stderr] = ['', '']
      child.stdout.on('data', data => {
        stdout += data
      })
      child.stderr.on('data', data => {
        stderr += data
        if (stderr.includes('Debugger listening') && child.connected) child.send('go')
      })
      child.once('message', () => child.kill('SIGUSR1'))
      const status = await new Promise(resolve => child.once('close', resolve))
      prints({ status, stdout, stderr })
    }
  }),
  ...(linux &&
    process.getuid() === 0 && {
      'a user without an entry in /etc/passwd': app => {
        for (let folder = app; folder !== tmpdir(); folder = join(folder, '..')) chmodSync(folder, 0o755)
        prints(run(app, ['main.mjs'], { uid: 51_789, gid: 51_789 }))
      }
    }),
  'a single executable, with the addon next to it': async app => {
    await commonJs(app)
    const out = join(app, 'out')
    mkdirSync(out)
    const file = join(out, process.platform === 'win32' ? 'program.exe' : 'program')
    const config = { main: 'main.cjs', output: 'program.blob', disableExperimentalSEAWarning: true }
    writeFileSync(join(app, 'sea.json'), JSON.stringify(config))
    const made = run(app, ['--experimental-sea-config', 'sea.json'])
    if (made.status !== 0) throw new Error(made.stderr)
    copyFileSync(node, file)
    const sentinel = ['--sentinel-fuse', 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2']
    const injected = run(app, [bin('postject', 'dist', 'cli.js'), file, 'NODE_SEA_BLOB', 'program.blob', ...sentinel])
    if (injected.status !== 0) throw new Error(injected.stderr)
    cpSync(addonIn(app), join(out, addonName()))
    rmSync(join(app, 'node_modules'), { recursive: true })
    prints(run(out, [], { command: file }))
  },
  'a snapshot of the program, which loads the addon when it starts': async app => {
    // Not `fastn-net/node`: a snapshot cannot contain node:http.
    const core = program.replace(/^import .*node'$/m, '').replace(/^.*duplex.*$/m, '')
    await commonJs(
      app,
      core,
      main => `require('node:v8').startupSnapshot.setDeserializeMainFunction(() => { ${main} })`
    )
    const made = run(app, ['--snapshot-blob', 'program.blob', '--build-snapshot', 'main.cjs'])
    if (made.status !== 0) throw new Error(made.stderr.slice(-2000))
    prints(run(app, ['--snapshot-blob', 'program.blob', 'main.cjs']))
  }
}

if (process.argv.includes('--scenes')) await runScenes(process.argv.slice(3))
else {
  closeWithCount()
  await prepare()
  installEnvironments()
  await suite(process.execPath, [at('scripts', 'environments.mjs'), '--scenes', ...process.argv.slice(2)], ownCount, 30)
}

async function runScenes(only) {
  let [passed, failed] = [0, 0]
  for (const [name, scene] of Object.entries(scenes)) {
    if (only.length > 0 && !only.some(each => name.includes(each))) continue
    const app = mkdtempSync(join(tmpdir(), 'fastn-net-environment-'))
    try {
      makeApp(app)
      await scene(app)
      passed++
      console.log(`  ✔ ${name}`)
    } catch (error) {
      failed++
      console.log(`  ✘ ${name}\n${error.message}`)
    } finally {
      rmSync(app, { recursive: true, force: true })
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}

function vitest(app, pool) {
  writeFileSync(join(app, 'one.test.js'), suiteOf('vitest'))
  writeFileSync(join(app, 'two.test.js'), suiteOf('vitest'))
  symlinkSync(bin('vitest'), join(app, 'node_modules', 'vitest'), 'junction')
  passes(run(app, [bin('vitest', 'vitest.mjs'), 'run', '--pool', pool]), 4)
}

/** Bundles the program to `main.cjs`. `start` returns the code that runs its body. */
async function commonJs(app, code = program, start = main => main) {
  const { build } = await import(tools.resolve('esbuild'))
  const at = code.indexOf('const ')
  const [imports, body] = [code.slice(0, at), code.slice(at)]
  writeFileSync(join(app, 'start.mjs'), `${imports}async function main() {\n${body}}\n${start('main()')}\n`)
  const output = { outfile: join(app, 'main.cjs'), bundle: true, platform: 'node', format: 'cjs', logLevel: 'error' }
  // Without import.meta.url in a bundle, the loader looks next to the program.
  await build({ entryPoints: [join(app, 'start.mjs')], ...output, logOverride: { 'empty-import-meta': 'silent' } })
}

function environment() {
  const { FASTN_NET_ADDON: _, NODE_OPTIONS: __, ...env } = { ...process.env, FASTN_NET_NETWORK: 'loopback' }
  return env
}

/** Runs Node.js in a folder. `before`: arguments before those of Node.js. */
function run(cwd, args, { command = node, before = [], env = environment(), ...more } = {}) {
  const options = { cwd, env: { ...env, FASTN_NET_NETWORK: 'loopback' }, encoding: 'utf8', timeout: 180_000, ...more }
  return spawnSync(command, [...before, ...args], options)
}

function prints({ stdout, stderr, status, error }) {
  if (status !== 0 || stdout !== expected)
    throw new Error(`${error ?? status}: '${stdout}' and ${stderr?.slice(-2000)}`)
}

function passes({ stdout, stderr, status }, count) {
  const all = stripVTControlCharacters(`${stdout}${stderr}`)
  if (status !== 0 || !new RegExp(`Tests:? +${count} passed`).test(all))
    throw new Error(`${status}: ${all.slice(-3000)}`)
}

function permission() {
  const [major] = process.versions.node.split('.').map(Number)
  return major >= 23 ? '--permission' : '--experimental-permission'
}

/** From Node.js 25 on, the network needs its own permission, but not in addons. */
function network() {
  return process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []
}
