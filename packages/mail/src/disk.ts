import { type FileHandle, open } from 'node:fs/promises'
import { storageError } from './errors.js'

/**
 * Flushes a folder, so that the names of its files survive a crash. Calls that arrive while one is flushing share the next: with many
 * files at once, one flush serves all of them.
 */
export class FolderSync {
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  flush(): Promise<void> {
    // One that runs may have begun before the caller's file had its name.
    if (this.#next !== undefined) return this.#next
    const running = this.#running
    const begin = (): Promise<void> => {
      this.#next = undefined
      this.#running = this.#flush().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    if (running === undefined) return begin()
    this.#next = running.then(begin, begin)
    return this.#next
  }

  async #flush(): Promise<void> {
    // Windows cannot open folders, and flushes names with the file.
    if (process.platform === 'win32') return
    let handle: FileHandle | undefined
    try {
      handle = await open(this.#path, 'r')
      await handle.sync()
    } catch (error) {
      throw storageError(`flush ${this.#path}`, error)
    } finally {
      await handle?.close()
    }
  }
}
