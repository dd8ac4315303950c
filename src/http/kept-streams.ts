/** Streams of a listener that have answered a request, and wait for the next one. */
export class KeptStreams {
  readonly #waiting = new Set<{ stop(): void }>()
  /** Whether the listener has stopped: an answer in progress is the last one of its stream. */
  isStopped = false

  /** A stream waits for its next request. */
  add(stream: { stop(): void }): void {
    this.#waiting.add(stream)
  }

  /** It waits no more. */
  delete(stream: { stop(): void }): void {
    this.#waiting.delete(stream)
  }

  /** Ends those that wait. The others end with their answer. */
  stop(): void {
    this.isStopped = true
    for (const stream of this.#waiting) stream.stop()
  }
}
