import { isFastnNetError } from 'fastn-net'

/** The requests of one process: their outcomes, and those still running. */
export class Requests {
  readonly #running = new Map<number, { what: string; since: number }>()
  readonly #unexpected = new Map<string, number>()
  #next = 0
  ended = 0

  /**
   * Makes one request, which must end by itself. It may fail with the errors in `allowed`, or with any error that is not a defect if
   * `allowed` is `'any'`. A wrong answer is thrown as an ordinary error, and never allowed.
   */
  async one(what: string, allowed: readonly string[] | 'any', request: () => Promise<unknown>): Promise<void> {
    const number = this.#next++
    this.#running.set(number, { what, since: performance.now() })
    try {
      await request()
    } catch (error) {
      if (!isAllowed(error, allowed)) this.#note(`${what}: ${nameOf(error)}`)
    }
    this.#running.delete(number)
    this.ended++
  }

  /** Requests that have been running for longer than their limit. */
  lost(bound: number): string[] {
    const now = performance.now()
    return [...this.#running.values()]
      .filter(({ since }) => now - since > bound)
      .map(({ what, since }) => `${what}, for ${Math.round((now - since) / 1000)} s`)
  }

  get running(): number {
    return this.#running.size
  }

  get unexpected(): string[] {
    return Array.from(this.#unexpected, ([what, count]) => `${count} × ${what}`)
  }

  #note(what: string): void {
    // Bounded: a defect with a thousand symptoms shows in a hundred too.
    if (this.#unexpected.has(what) || this.#unexpected.size < 100) {
      this.#unexpected.set(what, (this.#unexpected.get(what) ?? 0) + 1)
    }
  }
}

function isAllowed(error: unknown, allowed: readonly string[] | 'any'): boolean {
  if (error instanceof Error && error.name === 'AbortError') return allowed === 'any' || allowed.includes('AbortError')
  if (!isFastnNetError(error) || error.code === 'ERR_INTERNAL') return false
  return allowed === 'any' || allowed.includes(error.code)
}

function nameOf(error: unknown): string {
  return isFastnNetError(error) ? `${error.code}, ${error.message}` : String(error)
}
