import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import test from 'ava'

/** Exit of a program. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** All printed lines. */
  readonly lines: readonly string[]
  readonly stderr: string
}

/** Generous, because machines differ: it only makes a hanging program fail its test. */
const limit = 60_000

/** Running programs. Those left by a failed test are killed, because they would keep its process alive. */
const running = new Set<ChildProcess>()
test.after.always(() => {
  for (const child of running) child.kill('SIGKILL')
})

/** A child process that runs one of `lifecycle/programs`. */
export class Program {
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting: (() => void)[] = []
  #taken = 0
  readonly ended: Promise<Ended>

  /** `program`: its name, or its name with its whole environment, or with a stdin that stays open. */
  constructor(program: string | { name: string; env?: NodeJS.ProcessEnv; stdin?: 'pipe' }, ...args: string[]) {
    const options = typeof program === 'string' ? { name: program } : program
    const { name, env = process.env, stdin = 'ignore' } = options
    const file = fileURLToPath(new URL(`../lifecycle/programs/${name}.js`, import.meta.url))
    const child = spawn(process.execPath, [file, ...args], {
      env,
      stdio: [stdin, 'pipe', 'pipe']
    }) as ChildProcessByStdio<null, Readable, Readable>
    this.#child = child
    running.add(child)
    const timer = setTimeout(() => child.kill('SIGKILL'), limit)
    createInterface(child.stdout).on('line', line => {
      this.#lines.push(line)
      this.#wake()
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    this.ended = new Promise(resolve => {
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        running.delete(child)
        resolve({ code, signal, lines: this.#lines, stderr })
        this.#wake()
      })
    })
  }

  /** Waits for the next printed line. */
  async line(): Promise<string> {
    while (this.#taken === this.#lines.length) {
      const { exitCode, signalCode } = this.#child
      if (exitCode !== null || signalCode !== null)
        throw new Error(`the program ended: ${JSON.stringify(await this.ended)}`)
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
    return this.#lines[this.#taken++] as string
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** Asserts that a program exited cleanly and printed exactly these lines. */
export function quiet(...lines: string[]): Ended {
  return { code: 0, signal: null, lines, stderr: '' }
}
