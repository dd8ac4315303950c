import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'

/** A Chromium of this machine; `undefined` if there is none. */
export const chromium: string | undefined = ['chromium', 'chromium-browser', 'google-chrome'].find(
  name => spawnSync(name, ['--version']).status === 0
)

/** What a command of the DevTools protocol returns. */
type Result = Readonly<Record<string, unknown>>

/** A page in a headless Chromium, which is driven with the DevTools protocol over a pipe. */
export class Browser {
  readonly #pending = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>()
  readonly #input: Writable
  /** Requests to other hosts, and errors of the page. */
  readonly problems: string[] = []
  #session: string | undefined
  #last = 0
  #onLoad = () => {}

  private constructor(child: ChildProcess) {
    const [, , , input, output] = child.stdio
    this.#input = input as Writable
    let text = ''
    ;(output as Readable).setEncoding('utf8').on('data', data => {
      const messages = (text + data).split('\0')
      text = messages.pop() ?? ''
      for (const message of messages) this.#handle(JSON.parse(message))
    })
    child.once('exit', () => {
      for (const { reject } of this.#pending.values()) reject(new Error('Chromium has ended'))
    })
  }

  /** Starts a browser with further arguments, which ends with its test. */
  static async start(t: ExecutionContext, more: readonly string[] = []): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'fastn-net-chromium-'))
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', ...more]
    const child = spawn(chromium ?? '', [...args, '--remote-debugging-pipe', `--user-data-dir=${profile}`], {
      // Chromium also writes to the home folder, which may belong to another user.
      env: { ...process.env, HOME: profile },
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']
    })
    t.teardown(async () => {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGKILL')
      await ended
      // Its child processes end a moment later, and write until then.
      for (let tries = 0; ; tries++) {
        try {
          return rmSync(profile, { recursive: true, force: true })
        } catch (error) {
          if (tries === 50) throw error
          await sleep(200)
        }
      }
    })
    const browser = new Browser(child)
    const { targetId } = await browser.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await browser.send('Target.attachToTarget', { targetId, flatten: true })
    browser.#session = String(sessionId)
    for (const domain of ['Page', 'Runtime', 'Network', 'Log']) await browser.send(`${domain}.enable`)
    return browser
  }

  /** Sends a command. */
  async send(method: string, params: object = {}): Promise<Result> {
    const id = ++this.#last
    const session = this.#session === undefined ? {} : { sessionId: this.#session }
    this.#input.write(`${JSON.stringify({ id, method, params, ...session })}\0`)
    return await new Promise((resolve, reject) => this.#pending.set(id, { resolve, reject }))
  }

  /** Opens an address in a window of this width. */
  async open(url: string, width = 1200, scheme: 'light' | 'dark' = 'light'): Promise<void> {
    const size = { width, height: 1200, deviceScaleFactor: 1, mobile: false }
    await this.send('Emulation.setDeviceMetricsOverride', size)
    await this.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] })
    // A new fragment alone does not reload a page.
    for (const address of ['about:blank', url]) {
      const loaded = new Promise<void>(resolve => {
        this.#onLoad = resolve
      })
      await this.send('Page.navigate', { url: address })
      await loaded
    }
  }

  /** Evaluates an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true
    })
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`)
    return (result as { value: T }).value
  }

  /** Waits until an expression is true in the page. */
  async until(expression: string): Promise<void> {
    const wait = `new Promise(resolve => { const look = () => (${expression}) ? resolve(true) : setTimeout(look, 50); look() })`
    await this.evaluate(wait)
  }

  #handle(message: {
    id?: number
    method?: string
    params?: Result
    result?: Result
    error?: { message: string }
  }): void {
    const { id, method, params = {}, result, error } = message
    if (method !== undefined) this.#note(method, params)
    if (id === undefined) return
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (error === undefined) pending?.resolve(result ?? {})
    else pending?.reject(new Error(error.message))
  }

  #note(method: string, params: Result): void {
    if (method === 'Runtime.exceptionThrown' || method === 'Log.entryAdded') this.problems.push(JSON.stringify(params))
    if (method === 'Page.loadEventFired') this.#onLoad()
    if (method !== 'Network.requestWillBeSent') return
    const { url } = params.request as { url: string }
    if (!/^(?:http|ws):\/\/(?:127\.0\.0\.1|(?:[\w.]+\.)?localhost)[:/]|^about:|^data:/.test(url))
      this.problems.push(url)
  }
}
