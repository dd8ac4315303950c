/** A connection that has not logged in. */
export interface PendingLogin {
  /** Whether it is not ended in favour of a newer one: its password is being checked. */
  readonly keepsPlace: boolean
  /** Ends it in favour of a newer one. */
  drop(): void
}

/**
 * Bounds the connections that have not logged in. A newer one takes the place of the oldest, so that silent ones keep no client out.
 */
export class PendingLogins {
  readonly #max: number
  /** From the oldest on. */
  readonly #pending = new Set<PendingLogin>()

  constructor(max: number) {
    this.#max = max
  }

  /** Adds a connection. Returns false if it has no place: a password of each other is being checked. */
  add(login: PendingLogin): boolean {
    if (this.#pending.size >= this.#max) {
      const dropped = this.#oldest()
      if (!dropped) return false
      this.#pending.delete(dropped)
      dropped.drop()
    }
    this.#pending.add(login)
    return true
  }

  /** Removes a connection that has logged in or ended. No-op for others. */
  delete(login: PendingLogin): void {
    this.#pending.delete(login)
  }

  #oldest(): PendingLogin | undefined {
    for (const login of this.#pending) if (!login.keepsPlace) return login
    return undefined
  }
}
