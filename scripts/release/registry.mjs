// A local registry for a rehearsal: verdaccio on 127.0.0.1, without an upstream registry, in a folder that is deleted.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { at, fail } from '../util.mjs'

/** @returns {Promise<{ url: string, userconfig: string, stop: () => void }>} */
export async function startRegistry(folder) {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/`
  const config = join(folder, 'config.yaml')
  writeFileSync(
    config,
    `storage: ${JSON.stringify(join(folder, 'storage'))}
web: { enable: false }
packages: { '**': { access: $all, publish: $all } }
max_body_size: 200mb
log: { type: stdout, format: pretty, level: error }
`
  )
  const userconfig = join(folder, '.npmrc')
  // npm requires a token to publish.
  writeFileSync(userconfig, `registry=${url}\n//127.0.0.1:${port}/:_authToken=rehearsal\nfund=false\naudit=false\n`)
  const main = at('__test__', 'release', 'node_modules', 'verdaccio', 'bin', 'verdaccio')
  const child = spawn(process.execPath, [main, '--config', config, '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'inherit', 'inherit']
  })
  const stop = () => child.kill()
  process.on('exit', stop)
  child.once('exit', code => code && fail(`verdaccio ended with status ${code}`))
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(`${url}-/ping`).catch(() => undefined)
    if (answer?.ok) return { url, userconfig, stop }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  return fail('verdaccio did not start within 2 minutes')
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
