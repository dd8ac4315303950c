import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import { within } from './lab.js'

/** Exit of a program. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

interface Call {
  answer: unknown
  error: string | undefined
}

/** One of `programs`, in a namespace, driven by lines of JSON. Ends with its test. */
export class FaultProgram<Commands> {
  readonly #child: ChildProcess
  readonly #what: string
  readonly #waiting = new Map<number, (call: Call) => void>()
  readonly ended: Promise<Ended>
  /** Resolves with the message of the ready program. */
  readonly ready: Promise<unknown>
  #calls = 0

  constructor(t: ExecutionContext, namespace: string, file: string, options: unknown) {
    const path = new URL(`../programs/${file}.js`, import.meta.url).pathname
    const node = [process.execPath, '--expose-gc', '--enable-source-maps', path, JSON.stringify(options)]
    const child = spawn(...within(namespace, node), { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    this.#what = `${file} in ${namespace}`
    this.ready = this.#answer(0)
    this.ready.catch(() => {})
    createInterface(child.stdout).on('line', line => {
      const { id, answer, error } = JSON.parse(line) as Call & { id: number }
      this.#waiting.get(id)?.({ answer, error })
      this.#waiting.delete(id)
    })
    // A write to a killed program fails through its exit.
    child.stdin.on('error', () => {})
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', text => {
      stderr += text
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      for (const resolve of this.#waiting.values()) resolve({ answer: null, error: `it ended. ${stderr}` })
      this.#waiting.clear()
      return { code, signal, stderr }
    })
    t.teardown(() => child.kill('SIGKILL'))
  }

  /** Sends a command and returns the answer. Fails without an answer within `limit` milliseconds. */
  async ask<Name extends keyof Commands & string>(
    name: Name,
    given: Commands[Name] extends { given: infer Given } ? Given : never,
    limit = 120_000
  ): Promise<Commands[Name] extends { answer: infer Answer } ? Answer : never> {
    const id = ++this.#calls
    const answer = this.#answer(id)
    this.#child.stdin!.write(`${JSON.stringify({ id, do: name, given })}\n`)
    return (await before(answer, limit, `${this.#what} said nothing to '${name}' ${JSON.stringify(given)}`)) as never
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Ends stdin: the program must exit by itself. */
  async end(limit = 20_000): Promise<Ended> {
    this.#child.stdin!.end()
    return await before(this.ended, limit, `${this.#what} did not end by itself`)
  }

  async #answer(id: number): Promise<unknown> {
    const { answer, error } = await new Promise<Call>(resolve => this.#waiting.set(id, resolve))
    if (error !== undefined) throw new Error(`${this.#what}: ${error}`)
    return answer
  }
}

/** Fails with this message after the limit. */
export async function before<T>(work: Promise<T>, limit: number, sentence: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${sentence} within ${limit} ms`)), limit)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
