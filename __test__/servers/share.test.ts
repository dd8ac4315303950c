// Runs the commands of docs/guide/share.md, on two machines that reach nothing but a relay.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Cli, cli } from '../cli/support/cli.js'
import { packetsOut } from './support/outside.js'
import { startRelay } from './support/relay.js'

const guide = readFileSync(new URL('../../docs/guide/share.md', import.meta.url), 'utf8')

/** A block of the guide. */
function block(language: string, at: number): string {
  const found = [...guide.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))][at]?.[1]
  if (found === undefined) throw new Error(`no block ${at} of ${language}`)
  return found
}

/** A machine with its own network, and its running programs. */
class Machine {
  readonly home: string
  readonly #name: string
  readonly #folder: string

  constructor(t: ExecutionContext, name: 'alice' | 'bob', subnet: number) {
    this.#name = name
    this.#folder = mkdtempSync(join(tmpdir(), `fastn-net-${name}-`))
    this.home = join(this.#folder, 'home')
    const outside = `share-${name}`
    const ip = (...args: string[]) => execFileSync('ip', args)
    ip('netns', 'add', name)
    t.teardown(() => {
      ip('netns', 'del', name)
      rmSync(this.#folder, { recursive: true, force: true })
    })
    ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
    ip('addr', 'add', `10.9.${subnet}.1/24`, 'dev', outside)
    ip('link', 'set', outside, 'up')
    for (const device of ['lo', 'eth0']) ip('-n', name, 'link', 'set', device, 'up')
    ip('-n', name, 'addr', 'add', `10.9.${subnet}.2/24`, 'dev', 'eth0')
    ip('-n', name, 'route', 'add', 'default', 'via', `10.9.${subnet}.1`)
  }

  get #options() {
    const env = { FASTN_HOME: this.home, XDG_RUNTIME_DIR: this.#folder, FASTN_NET_NETWORK: undefined }
    return { env, before: ['ip', 'netns', 'exec', this.#name] }
  }

  /** Runs a command of the guide. `text` replaces TEXT. */
  async say(t: ExecutionContext, command: string, text = ''): Promise<string> {
    t.true(guide.includes(command), `the guide has no '${command}'`)
    const words = command.split(' ').map(word => (word === 'TEXT' ? text : word))
    const { code, stdout, stderr } = await cli(words.slice(1), this.#options)
    t.is(code, 0, `${command}: ${stderr}`)
    return stdout.toString().trim()
  }

  run(t: ExecutionContext): Cli {
    const program = new Cli(['rig', 'run', '--json'], this.#options)
    t.teardown(() => program.kill('SIGKILL'))
    return program
  }

  configure(text: string): void {
    writeFileSync(join(this.home, 'rig.toml'), text)
  }

  /** Runs a Node.js script there, and returns its output. */
  script(code: string): string {
    const args = ['netns', 'exec', this.#name, process.execPath, '--input-type=module', '-e', code]
    return execFileSync('ip', args, { encoding: 'utf8', timeout: 60_000 })
  }

  /** Starts a Node.js script there, which prints a line once it is ready. */
  server(t: ExecutionContext, code: string): void {
    const command = `ip netns exec ${this.#name} "$0" --input-type=module -e "$1" > "$2" 2>&1 & echo $!`
    const file = join(this.#folder, 'server')
    const pid = execFileSync('sh', ['-c', command, process.execPath, code, file], { encoding: 'utf8' })
    t.teardown(() => process.kill(Number(pid), 'SIGKILL'))
    for (let tries = 0; tries < 500; tries++) {
      if (readFileSync(file, 'utf8') !== '') return
      execFileSync('sleep', ['0.02'])
    }
    throw new Error('the server does not listen')
  }
}

test('two people share a folder and a database through a relay, and one revokes access', async t => {
  const { url } = await startRelay(t, undefined, '10.9.0.1')
  const [alice, bob] = [new Machine(t, 'alice', 1), new Machine(t, 'bob', 2)]
  const own = block('toml', 2).replace('https://relay.example.com', url)
  const running: Cli[] = []
  for (const machine of [alice, bob]) {
    t.regex(await machine.say(t, 'fastn-net rig init'), /Rig initialized successfully!/)
    machine.configure(own)
    const program = machine.run(t)
    await program.event('ready')
    running.push(program)
  }
  const [atAlice, atBob] = running as [Cli, Cli]
  const text = await alice.say(t, 'fastn-net rig invite bob --group friends')
  t.is(await bob.say(t, 'fastn-net rig accept alice TEXT', text), 'accepted: alice')

  mkdirSync(join(alice.home, 'photos'))
  writeFileSync(join(alice.home, 'photos', 'cat.txt'), 'a cat')
  alice.server(
    t,
    `(await import('node:net')).createServer(s => s.pipe(s)).listen(5432, '127.0.0.1', () => console.log('ready'))`
  )
  alice.configure(`${own}${block('toml', 0)}`)
  await atAlice.event('reloaded')
  bob.configure(`${own}${block('toml', 1)}`)
  await atBob.event('reloaded')
  t.is(bob.script(`console.log(await (await fetch('http://localhost:8080/cat.txt')).text())`), 'a cat\n')
  const query = `const s = (await import('node:net')).connect(5433, '127.0.0.1')
    s.on('error', () => {}).on('close', () => console.log('closed')).on('data', d => (console.log(String(d)), s.end()))
    s.write('select 1')`
  t.is(bob.script(query), 'select 1\nclosed\n')

  t.regex(await alice.say(t, 'fastn-net rig status'), /photos folder/)
  await alice.say(t, 'fastn-net rig forget bob')
  t.is(bob.script(query), 'closed\n')
  t.is(packetsOut(), 0)
})
