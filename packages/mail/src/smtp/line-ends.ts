/**
 * Detects a bare CR or LF. Servers that accept one as a line end parse other mails and commands than servers that do not: SMTP smuggling.
 * Such messages are refused (RFC 5321, 2.3.8).
 */
export class LineEnds {
  #isAfterCr = false
  #isBroken = false

  /** Whether the input so far contains a bare CR or LF. */
  get isCertainlyBroken(): boolean {
    return this.#isBroken
  }

  /** Whether the complete input contains a bare CR or LF. */
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
