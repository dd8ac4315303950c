import { type FileHandle, open } from 'node:fs/promises'
import { storageError } from './errors.js'

/**
 * Flushes a folder, so that its directory entries survive a crash. Calls during a flush share the next one, so that one flush serves many
 * files.
 */
export class FolderSync {
  readonly #path: string
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(path: string) {
    this.#path = path
  }

  flush(): Promise<void> {
    // A running flush may have begun before the caller's file got its name.
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
