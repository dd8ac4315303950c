/**
 * Looks for a CR or LF that stands alone. Servers that take one for the end of a line find other mails and commands in a message than
 * those that do not: SMTP smuggling. Such a message is refused (RFC 5321, 2.3.8).
 */
export class LineEnds {
  #isAfterCr = false
  #isBroken = false

  /** Whether a CR or LF stands alone in what was read, whatever follows. */
  get isCertainlyBroken(): boolean {
    return this.#isBroken
  }

  /** Whether one stands alone in all that there is. */
  get isBroken(): boolean {
    return this.#isBroken || this.#isAfterCr
  }

  read(chunk: Uint8Array): void {
    if (this.#isBroken) return
    for (const byte of chunk) {
      if (this.#isAfterCr !== (byte === 0x0a)) {
        this.#isBroken = true
        return
      }
      this.#isAfterCr = byte === 0x0d
    }
  }
}
