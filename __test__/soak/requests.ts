import { isFastnNetError } from 'fastn-net'

/** What one process asked for, how it ended, and what has not. */
export class Requests {
  readonly #under = new Map<number, { what: string; since: number }>()
  readonly #unexpected = new Map<string, number>()
  #next = 0
  ended = 0

  /**
   * One request, which must end by itself. It may fail with the errors that `allowed` names, and any other that is no defect where
   * `allowed` is `'any'`; an answer that is not what was asked for is thrown as an ordinary error, and never allowed.
   */
  async one(what: string, allowed: readonly string[] | 'any', request: () => Promise<unknown>): Promise<void> {
    const number = this.#next++
    this.#under.set(number, { what, since: performance.now() })
    try {
      await request()
    } catch (error) {
      if (!isAllowed(error, allowed)) this.#note(`${what}: ${nameOf(error)}`)
    }
    this.#under.delete(number)
    this.ended++
  }

  /** Those that have been under way for longer than a request may take. */
  lost(bound: number): string[] {
    const now = performance.now()
    return [...this.#under.values()]
      .filter(({ since }) => now - since > bound)
      .map(({ what, since }) => `${what}, for ${Math.round((now - since) / 1000)} s`)
  }

  get running(): number {
    return this.#under.size
  }

  get unexpected(): string[] {
    return Array.from(this.#unexpected, ([what, count]) => `${count} × ${what}`)
  }

  #note(what: string): void {
    // Bounded: a defect that shows in a thousand ways shows in a hundred as well.
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
