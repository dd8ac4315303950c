import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Where a process ends itself by SIGKILL. */
export interface Kill {
  /** Name of the step. */
  readonly step?: string
  /** At which time it is reached. Default: the first. */
  readonly nth?: number
  /** Milliseconds after its start, in place of a step. */
  readonly after?: number
}

/** What the process is. */
export interface ServiceConfig {
  readonly key: string
  readonly folder: string
  readonly kill?: Kill | undefined
  /** Tell nothing of events. */
  readonly quiet?: boolean
}

/** Another peer. */
export interface Known {
  readonly id52: string
  readonly ticket: string
  readonly address: string
}

/** What a process is told to do. */
export interface Order {
  readonly call?: 'ping' | 'queue' | 'close'
  readonly peer?: Known
  readonly mails?: readonly { to: string; raw: string }[]
}

interface Report {
  readonly ready?: Known
  readonly accepted?: string
  readonly queue?: number
  readonly event?: { type: string; reason?: string; error?: string }
}

/** A peer with mail in a process of its own. */
export class ServiceProcess {
  readonly child: ChildProcess
  /** Messages that were accepted: those must arrive. */
  readonly accepted: string[] = []
  readonly events: { type: string; reason?: string; error?: string }[] = []
  readonly exited: Promise<NodeJS.Signals | number | null>
  #queue = -1
  #known: Known | undefined
  readonly #waiting = new Set<() => void>()

  constructor(config: ServiceConfig) {
    const args = [JSON.stringify(config)]
    const execArgv = ['--enable-source-maps', '--disable-warning=ExperimentalWarning']
    this.child = fork(fileURLToPath(new URL('service.js', import.meta.url)), args, { execArgv })
    this.child.on('message', ({ ready, accepted, queue, event }: Report) => {
      if (ready !== undefined) this.#known = ready
      if (accepted !== undefined) this.accepted.push(accepted)
      if (queue !== undefined) this.#queue = queue
      if (event !== undefined) this.events.push(event)
      this.#look()
    })
    this.exited = new Promise(resolve =>
      this.child.once('exit', (code, signal) => {
        resolve(signal ?? code)
        this.#look()
      })
    )
  }

  #look(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const each of waiting) each()
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  /** Resolves with its address; `undefined` if it ended before. */
  async ready(): Promise<Known | undefined> {
    await this.until(() => this.#known !== undefined || this.hasExited)
    return this.#known
  }

  /** Gives an order. A process that has ended gets none. */
  tell(order: Order): void {
    if (this.child.connected) this.child.send(order, () => {})
  }

  /** Number of deliveries that wait. */
  async queued(): Promise<number> {
    this.#queue = -1
    this.tell({ call: 'queue' })
    await this.until(() => this.#queue >= 0 || this.hasExited)
    return this.#queue
  }

  /** Waits until something holds. It is looked at again after each message of the process. */
  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue())
      await new Promise<void>(resolve => {
        this.#waiting.add(resolve)
      })
  }
}
