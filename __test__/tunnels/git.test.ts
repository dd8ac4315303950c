// git clone and push: over ssh, whose ProxyCommand is `fastn-net pipe`, and over HTTP and git's own protocol through a bridge.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { freePort } from './support/program.js'
import { proxyUrl, routed, urlOf } from './support/route.js'
import { find, type Scene, scene } from './support/scene.js'
import { exposed, pipeCommand, tunnelled } from './support/tunnel.js'
import { cgi } from './support/web.js'

const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com']

/** Ignores the machine's own configuration. */
const environment = { GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', GIT_TERMINAL_PROMPT: '0' }

scene('git over ssh through pipe', ['git', 'ssh', 'sshd', 'ssh-keygen'], async scene => {
  const { t, folder, run, start } = scene
  for (const name of ['host', 'user']) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
  }
  const port = await freePort()
  const settings = {
    ListenAddress: '127.0.0.1',
    HostKey: join(folder, 'host'),
    AuthorizedKeysFile: join(folder, 'user.pub'),
    StrictModes: 'no',
    UsePAM: 'no',
    PidFile: 'none'
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await start('sshd', ['-D', '-e', '-f', '/dev/null', '-p', String(port), ...options]).accepts(port)
  const ticket = await exposed(t, port)

  const known = { IdentityFile: join(folder, 'user'), UserKnownHostsFile: join(folder, 'known'), BatchMode: 'yes' }
  const ssh = [
    'ssh -F none -o StrictHostKeyChecking=no -o LogLevel=ERROR',
    ...Object.entries(known).map(([name, value]) => `-o ${name}=${value}`),
    `-o 'ProxyCommand=${pipeCommand(ticket)}'`
  ].join(' ')
  const env = { ...environment, GIT_SSH_COMMAND: ssh }
  await cloneAndPush(scene, repository => `ssh://${process.env.FASTN_NET_TEST_TUNNELS}@server${repository}`, env)

  // Exit codes, and both outputs of a remote command.
  const remote = `${ssh} ${process.env.FASTN_NET_TEST_TUNNELS}@server 'cat; echo no >&2; exit 7'`
  const bytes = randomBytes(2_000_000)
  const shell = spawn('sh', ['-c', remote])
  shell.stdin.end(bytes)
  const output: Buffer[] = []
  let errors = ''
  shell.stdout.on('data', chunk => output.push(chunk))
  shell.stderr.on('data', chunk => {
    errors += chunk
  })
  const [code] = await once(shell, 'close')
  t.is(code, 7)
  t.is(errors, 'no\n')
  t.true(Buffer.concat(output).equals(bytes))
})

// git does not use CONNECT for http.
for (const kind of ['tcp', 'http', 'proxy', 'socks5'] as const) {
  scene(`git over HTTP, ${kind}`, ['git', 'git-http-backend'], async scene => {
    const { t, folder } = scene
    const server = createServer((request, response) => {
      void cgi(request, response, env =>
        spawn(find('git-http-backend') ?? '', {
          env: { ...process.env, ...environment, ...env, GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1' },
          stdio: ['pipe', 'pipe', 'inherit']
        })
      )
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.close()
      server.closeAllConnections()
    })
    const route = await routed(t, kind, (server.address() as AddressInfo).port)
    const proxy = proxyUrl(route)
    const env = { ...environment, ...(proxy !== undefined && { http_proxy: proxy }) }
    await cloneAndPush(scene, repository => urlOf(route, repository.slice(folder.length)), env)
  })
}

scene("git over git's protocol", ['git'], async scene => {
  const { t, folder, start } = scene
  const daemon = await freePort()
  const options = ['--export-all', '--enable=receive-pack', '--listen=127.0.0.1', `--port=${daemon}`]
  await start('git', ['daemon', `--base-path=${folder}`, ...options], { env: environment }).accepts(daemon)
  const port = await tunnelled(t, daemon)
  await cloneAndPush(scene, repository => `git://127.0.0.1:${port}${repository.slice(folder.length)}`)
})

/** Clones a repository, pushes a commit from the clone, and checks both repositories. */
async function cloneAndPush(
  { t, folder, run }: Scene,
  urlOf: (repository: string) => string,
  env: Record<string, string> = environment
): Promise<void> {
  const git = async (cwd: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('git', [...identity, ...args], { cwd, env })
    t.is(code, 0, `git ${args.join(' ')}: ${stderr}`)
    return stdout.toString().trim()
  }
  const [origin, bare, clone] = [join(folder, 'origin'), join(folder, 'bare.git'), join(folder, 'clone')]
  await git(folder, 'init', '--quiet', '--initial-branch=main', origin)
  for (const count of [1, 2, 3]) {
    writeFileSync(join(origin, `file-${count}`), randomBytes(1_000_000))
    await git(origin, 'add', '.')
    await git(origin, 'commit', '--quiet', '--message', `file ${count}`)
  }
  await git(folder, 'clone', '--quiet', '--bare', origin, bare)
  // git's HTTP server asks for it.
  await git(bare, 'config', 'http.receivepack', 'true')

  await git(folder, 'clone', '--quiet', urlOf(bare), clone)
  await git(clone, 'fsck', '--full', '--strict')
  t.is(await git(clone, 'rev-parse', 'HEAD'), await git(origin, 'rev-parse', 'HEAD'))
  t.true(readFileSync(join(clone, 'file-2')).equals(readFileSync(join(origin, 'file-2'))))

  writeFileSync(join(clone, 'pushed'), randomBytes(3_000_000))
  await git(clone, 'add', '.')
  await git(clone, 'commit', '--quiet', '--message', 'a new file')
  await git(clone, 'push', '--quiet', 'origin', 'main')
  await git(bare, 'fsck', '--full', '--strict')
  t.is(await git(bare, 'rev-parse', 'main'), await git(clone, 'rev-parse', 'main'))
}
