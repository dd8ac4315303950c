import { createHash } from 'node:crypto'
import { type FileHandle, open, rm } from 'node:fs/promises'
import type { FolderSync } from '../disk.js'
import { storageError } from '../errors.js'
import { step } from '../steps.js'

/** A message that is being written to the queue's folder. Until its row is in the database, it is removed at start-up. */
export class Spool {
  /** Path of the file. */
  readonly path: string
  readonly #id: string
  readonly #file: FileHandle
  readonly #folder: FolderSync
  readonly #hash = createHash('sha256')
  #size = 0

  private constructor(id: string, path: string, file: FileHandle, folder: FolderSync) {
    this.#id = id
    this.path = path
    this.#file = file
    this.#folder = folder
  }

  static async create(id: string, path: string, folder: FolderSync): Promise<Spool> {
    try {
      return new Spool(id, path, await open(path, 'wx', 0o600), folder)
    } catch (error) {
      throw storageError('write to the queue', error)
    }
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk)
    this.#size += chunk.length
    try {
      for (let at = 0; at < chunk.length; ) at += (await this.#file.write(chunk, at)).bytesWritten
    } catch (error) {
      throw storageError('write to the queue', error)
    }
  }

  /** Flushes the file and its directory entry, and closes it. */
  async finish(): Promise<{ size: number; sha256: string }> {
    step('spool.written', this.#id)
    try {
      await this.#file.sync()
      await this.#file.close()
    } catch (error) {
      throw storageError('write to the queue', error)
    }
    await this.#folder.flush()
    step('spool.synced', this.#id)
    return { size: this.#size, sha256: this.#hash.digest('hex') }
  }

  /** Removes the file. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {})
    // If this fails, the file is removed at start-up.
    await rm(this.path, { force: true }).catch(() => {})
  }
}
