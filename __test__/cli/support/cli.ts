import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'

/** The built command line. */
export const cliFile = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))

/** Generous, because machines differ: it only makes a hanging program fail its test. */
const limit = 90_000

/** Running programs. Those left by a failed test are killed, because they would keep its process alive. */
const running = new Set<ChildProcess>()
test.after.always(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** How to start the program. */
export interface CliOptions {
  /** Content of stdin; `'open'` leaves it open. Default: empty. */
  readonly stdin?: string | Uint8Array | 'open'
  readonly cwd?: string
  /** Variables besides the test's own. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** A program and arguments that run the command line. */
  readonly before?: readonly string[]
  /** Milliseconds until it is killed. */
  readonly limitMs?: number
}

/** Exit of the program. */
export interface CliEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
  /** The lines of stdout. */
  readonly lines: readonly string[]
}

/** One line of `--json`. */
export interface CliEvent {
  readonly event: string
  readonly [name: string]: unknown
}

/** A child process that runs the command line on loopback. */
export class Cli {
  readonly child: ChildProcess
  readonly ended: Promise<CliEnd>
  readonly #lines: string[] = []
  #taken = 0
  #wake = () => {}

  constructor(args: readonly string[], { stdin = '', cwd, env = {}, before = [], limitMs = limit }: CliOptions = {}) {
    const [command = '', ...rest] = [...before, process.execPath, cliFile, ...args]
    const child = spawn(command, rest, {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, FASTN_NET_NETWORK: 'loopback', FASTN_SECRET_KEY: undefined, ...env },
      stdio: 'pipe'
    })
    this.child = child
    running.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    const stdout: Buffer[] = []
    let stderr = ''
    child.stdout.on('data', chunk => stdout.push(chunk))
    createInterface(child.stdout).on('line', line => {
      this.#lines.push(line)
      this.#wake()
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    child.stdin.on('error', () => {})
    if (stdin !== 'open') child.stdin.end(stdin)
    this.ended = new Promise(resolve => {
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        running.delete(child)
        resolve({ code, signal, stdout: Buffer.concat(stdout), stderr, lines: this.#lines })
        this.#wake()
      })
    })
  }

  /** Waits for the next line of stdout. */
  async line(): Promise<string> {
    while (this.#taken === this.#lines.length) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { code, stderr, lines } = await this.ended
        if (this.#taken === lines.length)
          throw new Error(`the program ended with ${code}: ${lines.join('\n')}${stderr}`)
        break
      }
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#lines[this.#taken++] as string
  }

  /** Waits for the next event that passes the filter. */
  async event(name: string, passes: (event: CliEvent) => boolean = () => true): Promise<CliEvent> {
    while (true) {
      const event: CliEvent = JSON.parse(await this.line())
      if (event.event === name && passes(event)) return event
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** Runs the program to its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliEnd> {
  return await new Cli(args, options).ended
}

/** Starts a program that serves until the test ends, and returns the first line that it prints. */
export async function serving(t: ExecutionContext, args: readonly string[], options: CliOptions = {}): Promise<string> {
  const program = new Cli(args, options)
  t.teardown(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  return await program.line()
}

/** The events that a program printed. */
export function eventsOf(end: CliEnd): CliEvent[] {
  return end.lines.map(line => JSON.parse(line))
}

/** A folder that is removed when the test ends. */
export function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-cli-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
