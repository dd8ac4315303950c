import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect as dial } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'

/** Generous, because machines differ: it only makes a hanging server fail its test. */
const limit = 30_000

/** A program of iroh on this machine. It can be restarted, and ends with its test. */
export class LocalServer {
  readonly #program: string
  readonly #args: readonly string[]
  /** URL that answers once the server is ready. */
  readonly #port: number
  #child: ChildProcess | undefined

  private constructor(program: string, args: readonly string[], port: number) {
    this.#program = program
    this.#args = args
    this.#port = port
  }

  /** Creates the server without starting it. `args` receives its folder and its configuration file. */
  static of(
    t: ExecutionContext,
    program: 'iroh-relay' | 'iroh-dns-server',
    given: { port: number; option: string; config: (folder: string) => string }
  ): LocalServer {
    const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
    const file = join(folder, 'config.toml')
    writeFileSync(file, given.config(folder))
    const server = new LocalServer(program, [given.option, file], given.port)
    t.teardown(async () => {
      await server.stop()
      rmSync(folder, { recursive: true })
    })
    return server
  }

  /** Resolves once the server accepts connections. */
  async start(): Promise<void> {
    const folder = process.env.FASTN_NET_TEST_SERVERS
    if (folder === undefined) throw new Error('these tests need servers: npm run test:servers')
    // The server ends with this process in any case.
    const command = ['--pdeathsig', 'KILL', join(folder, this.#program), ...this.#args]
    const env = { ...process.env, RUST_LOG: 'warn' }
    const child = spawn('setpriv', command, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let output = ''
    for (const from of [child.stdout, child.stderr]) {
      from.setEncoding('utf8').on('data', text => {
        output = (output + text).slice(-10_000)
      })
    }
    for (const end = performance.now() + limit; !(await answers(this.#port)); await sleep(20)) {
      const { exitCode, signalCode } = child
      if (exitCode !== null || signalCode !== null) throw new Error(`${this.#program} ended: ${output}`)
      if (performance.now() > end) throw new Error(`${this.#program} is not ready after ${limit} ms: ${output}`)
    }
  }

  /** Kills the server without a shutdown. */
  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = dial(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/**
 * Returns a port of 127.0.0.1 that is free for TCP and UDP, outside the range of ports that the system assigns: a restarted server needs
 * the same port again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const tcp = createServer().listen(port, '127.0.0.1')
    const udp = createSocket('udp4').bind(port, '127.0.0.1')
    const isFree = await Promise.all([once(tcp, 'listening'), once(udp, 'listening')]).then(
      () => true,
      () => false
    )
    tcp.close()
    udp.close()
    if (isFree) return port
  }
}
