import { setTimeout as sleep } from 'node:timers/promises'
import { isFastnNetError, type PeerStream } from 'fastn-net'
import { type Call, type Program, passed } from './program.js'

/** Outcome of a call: a value, or an error's code (the name of another error). */
export type Outcome = { readonly value: unknown } | { readonly error: string; readonly errorCode: number | undefined }

/** A recorded call. */
export interface Made {
  readonly call: Call
  /** Argument of a write or finish. */
  readonly bytes: Uint8Array | undefined
  /** Another read was pending, and not aborted, when this one was called. */
  readonly mayBePending: boolean
  readonly signal: AbortSignal | undefined
  /** All of its outcomes: more than one is a bug. */
  readonly outcomes: Outcome[]
}

const reads: ReadonlySet<Call['kind']> = new Set(['read', 'into', 'line', 'leave lines'])

/** Errors of a finish that may leave the stream open. */
const leavesOpen: ReadonlySet<string> = new Set(['AbortError', 'ERR_STREAM_FINISHED'])

/** Lines of text whose bytes encode their offset. */
const whole = new Uint8Array(4_000_037).map((_, at) =>
  at % 64 === 63 ? 10 : 33 + ((at ^ (at >> 6) ^ (at >> 12) ^ (at >> 18)) % 90)
)

/** One end of a stream: runs a program and records each call. */
export class Side {
  readonly name: string
  readonly made: Made[] = []
  readonly #stream: PeerStream
  readonly #settling: Promise<unknown>[] = []
  readonly #finishes: Promise<Outcome>[] = []
  #sent = 0

  constructor(name: string, stream: PeerStream) {
    this.name = name
    this.#stream = stream
  }

  /** Resolves once the program has ended and all of its calls have settled. */
  async run(program: Program): Promise<void> {
    for (const { call, wait, pause } of program.steps) {
      const outcome = this.#make(call)
      // Both sides may wait for each other, so waits are short.
      if (wait) await Promise.race([outcome, sleep(15)])
      await passed(pause)
    }
    if (program.last === 'drain') await this.#drain()
    await this.#make({ kind: 'dispose' })
    await this.#make({ kind: 'closed' })
    await Promise.all(this.#settling)
  }

  /** Reads to EOF or an error, and ends once its sending half has settled too. */
  async #drain(): Promise<void> {
    const finished = this.#finish()
    for (;;) {
      const outcome = await this.#make({ kind: 'read' })
      if ('value' in outcome ? outcome.value === null : outcome.error !== 'ERR_READ_PENDING') break
      if ('error' in outcome) await passed('immediate')
    }
    await finished
    await this.#make({ kind: 'closed' })
  }

  /** Finishes. An earlier finish that is still pending may be aborted, which leaves the stream open: then it finishes again. */
  async #finish(): Promise<void> {
    await this.#make({ kind: 'finish', size: 7 })
    const outcomes = await Promise.all(this.#finishes)
    const isOpen = outcomes.every(outcome => 'error' in outcome && leavesOpen.has(outcome.error))
    if (isOpen) await this.#make({ kind: 'finish', size: 7 })
  }

  #make(call: Call): Promise<Outcome> {
    const controller = call.abort === undefined ? undefined : new AbortController()
    const signal = controller?.signal
    const bytes = 'size' in call ? this.#bytes(call.size) : undefined
    const waits = (made: Made) =>
      reads.has(made.call.kind) && made.outcomes.length === 0 && made.signal?.aborted !== true
    const made: Made = { call, bytes, signal, mayBePending: this.made.some(waits), outcomes: [] }
    this.made.push(made)
    const outcome = this.#call(call, bytes, signal).then(
      value => ({ value }),
      (error: unknown) => ({
        error: isFastnNetError(error) ? error.code : String((error as Error).name),
        errorCode: isFastnNetError(error) ? Number(error.errorCode) : undefined
      })
    )
    this.#settling.push(outcome.then(settled => made.outcomes.push(settled)))
    if (call.kind === 'finish') this.#finishes.push(outcome)
    if (controller !== undefined && call.abort !== undefined) {
      if (call.abort === 'none') controller.abort()
      else void passed(call.abort).then(() => controller.abort())
    }
    return outcome
  }

  async #call(call: Call, bytes: Uint8Array | undefined, signal: AbortSignal | undefined): Promise<unknown> {
    const stream = this.#stream
    const options = signal === undefined ? undefined : { signal }
    switch (call.kind) {
      case 'write':
        return stream.write(bytes as Uint8Array, options)
      case 'finish':
        return stream.finish(bytes, options)
      case 'read':
        return (await stream.read(options)) ?? null
      case 'into': {
        const into = new Uint8Array(10_000)
        const count = await stream.read({ into, signal })
        return count === null ? null : into.subarray(0, count)
      }
      case 'line':
        return stream.nextString(options)
      case 'leave lines':
        return leaveLines(stream, options)
      case 'reset':
        return stream.reset(call.code)
      case 'stop':
        return stream.stop(call.code)
      case 'dispose':
        return stream[Symbol.asyncDispose]()
      case 'closed':
        return stream.closed
    }
  }

  #bytes(size: number): Uint8Array {
    const at = this.#sent % whole.length
    this.#sent += size
    return Buffer.concat([whole.subarray(at, at + size), whole.subarray(0, Math.max(at + size - whole.length, 0))])
  }
}

/** Starts to read a line and leaves the iterator, perhaps while it is pending. Returns the text, or `undefined` if there was none. */
async function leaveLines(stream: PeerStream, options: { signal: AbortSignal } | undefined): Promise<unknown> {
  const lines = stream.lines(options)
  const next = lines.next()
  await passed('microtasks')
  await lines.return?.()
  const { value } = await next
  return value
}
