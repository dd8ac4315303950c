import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Root of the repository. */
export const root: string = fileURLToPath(new URL('../../../', import.meta.url))
const env = { ...process.env, FASTN_NET_NETWORK: 'loopback' }

/** Outcome of a program that has ended. */
export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs a script of the repository to its end. */
export function runScript(path: string, ...args: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path, ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: 90_000
  })
  return { status, stdout, stderr }
}

/** Runs an example to its end. `name` is its path in `examples`, without `.ts` or `.mjs`. */
export function runExample(name: string, ...args: string[]): Outcome {
  return runScript(compiled(name), ...args)
}

/** A running example. */
export interface RunningExample {
  process: ChildProcess
  /** The exit code and the signal that ended the program. */
  exit: Promise<unknown[]>
  /** Waits for the next line of stdout. Rejects if the program ends first. */
  nextLine(): Promise<string>
  /** Writes a line to stdin. */
  writeLine(line: string): void
  /** Ends stdin and resolves with the exit code and the signal that ended the program. */
  endInput(): Promise<unknown[]>
  /** Sends a signal and resolves with the exit code and the signal that ended the program. */
  end(signal: NodeJS.Signals): Promise<unknown[]>
}

/** Starts an example that runs until it is ended. Its stderr goes to this process's. */
export function startExample(name: string, args: string[] = [], variables: NodeJS.ProcessEnv = {}): RunningExample {
  const child = spawn(process.execPath, [compiled(name), ...args], {
    cwd: root,
    env: { ...env, ...variables },
    stdio: ['pipe', 'pipe', 'inherit']
  })
  const exit = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    exit,
    async nextLine() {
      const { done, value } = await lines.next()
      if (done === true) throw new Error(`${name} ended with ${await exit}`)
      return value
    },
    writeLine(line) {
      child.stdin.write(`${line}\n`)
    },
    endInput() {
      child.stdin.end()
      return exit
    },
    end(signal) {
      child.kill(signal)
      return exit
    }
  }
}

function compiled(name: string): string {
  return `dist-examples/${name}${name === 'guide/plain' ? '.mjs' : '.js'}`
}
