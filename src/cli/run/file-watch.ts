import { stat } from 'node:fs/promises'

/** Poll interval, in milliseconds. */
const watchMs = 500

/**
 * Calls `onChange` once a changed file is stable for one poll interval, because a file may still be incomplete during a write. Also calls it
 * at the start, because the file may have changed since it was read. Does not keep the process alive.
 */
export class FileWatch {
  readonly #path: string
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout
  /** The last seen and the last reported version. */
  #seen = ''
  #reported = ''

  constructor(path: string, onChange: () => void) {
    this.#path = path
    this.#onChange = onChange
    this.#timer = setInterval(() => void this.#look(), watchMs).unref()
  }

  /** Stops watching. */
  close(): void {
    clearInterval(this.#timer)
  }

  async #look(): Promise<void> {
    // Polling, because some file systems lack change events, and editors replace the file.
    const found = await stat(this.#path, { bigint: true }).catch(() => undefined)
    if (found === undefined) return
    const version = `${found.ino} ${found.size} ${found.mtimeNs}`
    if (version === this.#seen && version !== this.#reported) {
      this.#reported = version
      this.#onChange()
    }
    this.#seen = version
  }
}
