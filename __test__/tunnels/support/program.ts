import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'

/** Generous, because machines differ: it only makes a hanging program fail its test. */
const limit = 90_000

/** How to run a program. */
export interface RunOptions {
  readonly stdin?: string | Uint8Array
  readonly cwd?: string
  /** Variables besides the test's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** A program that has ended. */
export interface Run {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** A running server. */
export interface Started {
  readonly child: ChildProcess
  /** Its output so far. */
  output(): string
  /** Resolves once it accepts connections on a port of 127.0.0.1. */
  accepts(port: number): Promise<void>
}

/** Runs a program to its end. */
export async function run(command: readonly string[], { stdin = '', cwd, env }: RunOptions = {}): Promise<Run> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: 'pipe', timeout: limit })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [stdout, stderr, [code]] = await Promise.all([
    buffer(child.stdout),
    buffer(child.stderr),
    once(child, 'close') as Promise<[number | null]>
  ])
  return { code, stdout, stderr: stderr.toString() }
}

/** Starts a server, which ends with the test. */
export function start(
  t: ExecutionContext,
  command: readonly string[],
  { cwd, env }: Omit<RunOptions, 'stdin'> = {}
): Started {
  // It ends with this process in any case.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...command], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  for (const from of [child.stdout, child.stderr]) {
    from.setEncoding('utf8').on('data', text => {
      output = (output + text).slice(-10_000)
    })
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  t.teardown(async () => {
    if (hasEnded()) return
    child.kill('SIGKILL')
    await once(child, 'exit')
    // Its children may hold the pipes too.
    for (const from of [child.stdout, child.stderr]) from.destroy()
  })
  return {
    child,
    output: () => output,
    async accepts(port) {
      for (const end = performance.now() + limit; !(await accepts(port)); await sleep(20)) {
        if (hasEnded() || performance.now() > end) throw new Error(`${command[0]} is not ready: ${output}`)
      }
    }
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Returns a TCP port of 127.0.0.1 outside the range of ports that the system assigns. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false
    )
    server.close()
    if (isFree) return port
  }
}
