import { stat } from 'node:fs/promises'

/** How often a file is looked at, in milliseconds. */
const watchMs = 500

/**
 * Calls `onChange` when a file has changed and then was left alone from one look to the next: a file that is still being written has only
 * a part of its services. Calls it once at the start: the file may have changed since it was read. Does not keep the process alive.
 */
export class FileWatch {
  readonly #path: string
  readonly #onChange: () => void
  readonly #timer: NodeJS.Timeout
  /** Versions that were seen last and reported last. */
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
    // Polled: not every file system tells of changes, and editors replace the file.
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
