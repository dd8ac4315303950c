/** A connection before login. */
export interface PendingLogin {
  /** Whether it is exempt from eviction, because its password is being checked. */
  readonly keepsPlace: boolean
  /** Closes it to admit a newer one. */
  drop(): void
}

/**
 * Bounds connections before login. A new connection evicts the oldest, so that idle ones cannot block clients.
 */
export class PendingLogins {
  readonly #max: number
  /** Oldest first. */
  readonly #pending = new Set<PendingLogin>()

  constructor(max: number) {
    this.#max = max
  }

  /** Adds a connection. Returns false if all others are exempt from eviction. */
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
