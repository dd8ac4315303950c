/** Idle streams of a listener that wait for the next request. */
export class KeptStreams {
  readonly #waiting = new Set<{ stop(): void }>()
  /** Whether the listener has stopped. An answer in progress is then the last of its stream. */
  isStopped = false

  /** Adds an idle stream. */
  add(stream: { stop(): void }): void {
    this.#waiting.add(stream)
  }

  /** Removes a stream. */
  delete(stream: { stop(): void }): void {
    this.#waiting.delete(stream)
  }

  /** Closes idle streams. The others close after their answer. */
  stop(): void {
    this.isStopped = true
    for (const stream of this.#waiting) stream.stop()
  }
}
