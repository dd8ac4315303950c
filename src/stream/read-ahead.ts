/** A receiving half that can be read ahead. */
interface AheadHalf {
  readonly isReadOver: boolean
  /** Whether a call waits for bytes, or enough bytes were read ahead. */
  isBusy(): boolean
  /** Resolves when the current reader is done, or has made room. */
  nextTurn(): Promise<void>
  /** Reads ahead once. Returns whether there was something to read. */
  tryAhead(): boolean
  /** Waits for bytes until a call evicts this wait. While it waits, the promise must not refer to the half. */
  waitAhead(): Promise<void>
  /** Ends the wait. Returns whether it was not evicted. */
  endWaitAhead(): boolean
}

/** A {@link ReadAhead}, or a weak reference to it. */
interface Reference {
  deref(): ReadAhead | undefined
}

interface Step {
  readonly woken: Promise<void>
  /** Continues after `woken`. */
  readonly next: Reference
}

/** How long no call must have read, in milliseconds. Busy streams read ahead at most once in this time. */
const pauseMs = 50

/**
 * Reads a little ahead while no call reads, because only reading shows a reset by the peer. Calls that read evict it. It does not keep
 * the process alive.
 */
export class ReadAhead implements Reference {
  readonly #half: AheadHalf
  readonly #weak = new WeakRef<ReadAhead>(this)
  #isEager = false
  #hasPaused = true

  constructor(half: AheadHalf) {
    this.#half = half
  }

  start(): void {
    void run(this.step())
  }

  /** From now on, reads without a pause and keeps the half in memory. Takes effect with the next step. */
  makeEager(): void {
    this.#isEager = true
  }

  deref(): ReadAhead {
    return this
  }

  /** Reads until it has to wait. Returns `null` once the half is over. */
  step(): Step | null {
    const half = this.#half
    const isWoken = half.endWaitAhead()
    if (half.isReadOver) return null
    if (!this.#isEager && !isWoken && !this.#hasPaused) {
      this.#hasPaused = true
      return this.#after(pause())
    }
    this.#hasPaused = false
    do {
      if (half.isBusy()) return this.#after(half.nextTurn())
      if (!half.tryAhead()) return this.#after(half.waitAhead())
    } while (!half.isReadOver)
    return null
  }

  #after(woken: Promise<void>): Step {
    return { woken, next: this.#isEager ? this : this.#weak }
  }
}

// Not a method: while this waits, only the step may refer to the half.
async function run(first: Step | null): Promise<void> {
  let step = first
  while (step !== null) {
    await step.woken
    step = stepOf(step.next)
  }
}

// Apart from `run`, whose frame would keep the half while it waits.
function stepOf(next: Reference): Step | null {
  return next.deref()?.step() ?? null
}

function pause(): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, pauseMs).unref())
}
