/** Reproducible random numbers: the same seed gives the same numbers. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** Integer from 0 to `limit - 1` (mulberry32). */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * limit)
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T
  }
}

/** Delay before an action. */
export type Delay = 'none' | 'microtask' | 'microtasks' | 'immediate' | 'millisecond' | 'milliseconds'

/** A call on a stream. `abort`: delay until its signal aborts; `undefined` means no signal. */
export type Call = { readonly abort?: Delay | undefined } & (
  | { readonly kind: 'write'; readonly size: number }
  | { readonly kind: 'finish'; readonly size: number }
  | { readonly kind: 'read' | 'into' | 'line' | 'leave lines' | 'closed' | 'dispose' }
  | { readonly kind: 'reset' | 'stop'; readonly code: number }
)

/** A call, the longest wait for its outcome, and the pause after it. */
export interface Step {
  readonly call: Call
  readonly wait: boolean
  readonly pause: Delay
}

/** Program of one side: some steps, then it reads to EOF or disposes. */
export interface Program {
  readonly steps: readonly Step[]
  readonly last: 'drain' | 'dispose'
}

/** A run: the programs of both sides, and whether the opener waits for the ack. */
export interface Run {
  readonly seed: number
  readonly ack: 'now' | 'later'
  readonly opener: Program
  readonly acceptor: Program
}

const delays: readonly Delay[] = ['none', 'microtask', 'microtasks', 'immediate', 'millisecond', 'milliseconds']
// Some exceed what flow control accepts at once.
const sizes = [0, 1, 40, 40, 500, 3_000, 20_000, 150_000, 600_000, 3_000_000]
const peaceful = ['write', 'write', 'write', 'read', 'read', 'into', 'line', 'leave lines', 'closed'] as const
const hostile = [...peaceful, 'finish', 'reset', 'stop', 'dispose'] as const

/** Derives a run from a seed. */
export function runOf(seed: number): Run {
  const random = new Random(seed)
  // In a third of the runs neither side aborts, so all data must arrive.
  const kinds = random.below(3) === 0 ? peaceful : hostile
  const ack = random.one(['now', 'now', 'later'] as const)
  return { seed, ack, opener: programOf(random, kinds), acceptor: programOf(random, kinds) }
}

function programOf(random: Random, kinds: readonly Call['kind'][]): Program {
  const steps = Array.from({ length: random.below(9) }, () => ({
    call: callOf(random, random.one(kinds), kinds === peaceful),
    wait: random.below(3) === 0,
    pause: random.one(delays)
  }))
  return { steps, last: kinds === peaceful || random.below(2) === 0 ? 'drain' : 'dispose' }
}

function callOf(random: Random, kind: Call['kind'], isPeaceful: boolean): Call {
  const aborts = random.below(3) === 0
  const abort = random.one(delays)
  switch (kind) {
    case 'write':
    case 'finish':
      // A partly accepted write that is aborted resets the stream.
      return { kind, size: random.one(sizes), abort: aborts && !isPeaceful ? abort : undefined }
    case 'reset':
    case 'stop':
      return { kind, code: random.below(200) }
    case 'closed':
    case 'dispose':
      return { kind }
    default:
      return { kind, abort: aborts ? abort : undefined }
  }
}

/** Resolves after the delay. */
export async function passed(delay: Delay): Promise<void> {
  if (delay === 'none') return
  if (delay === 'microtask') return await undefined
  if (delay === 'microtasks') for (let count = 0; count < 5; count++) await undefined
  else if (delay === 'immediate') await new Promise(setImmediate)
  else await new Promise(resolve => setTimeout(resolve, delay === 'millisecond' ? 1 : 4))
}
