import { createHash, randomBytes } from 'node:crypto'
import { copyFile, link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PeerStream } from 'fastn-net'
import { storageError } from '../errors.js'
import { Authors } from '../mime/authors.js'
import type { MailFile } from '../store/index.js'

/** A received message. */
export interface Received {
  readonly content: Uint8Array | MailFile
  readonly size: number
  readonly sha256: string
  readonly authors: Authors
}

// Smaller messages are kept in memory until they are stored.
const maxInMemory = 256 * 1024

/** Folder for incoming messages. Leftovers of a crash were never acknowledged, and are removed at start-up. */
export class IncomingFolder {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  static async open(folder: string): Promise<IncomingFolder> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) await rm(join(folder, name), { force: true })
      return new IncomingFolder(folder)
    } catch (error) {
      throw storageError(`create ${folder}`, error)
    }
  }

  newPath(): string {
    return join(this.#folder, randomBytes(16).toString('hex'))
  }

  /** Receives the rest of a stream, into a file if it is large. Stops after one byte more than expected. */
  async receive(stream: PeerStream, expected: number, signal: AbortSignal): Promise<Received> {
    const hash = createHash('sha256')
    const authors = new Authors()
    let size = 0
    const receiveTo = async (write: (chunk: Uint8Array, at: number) => unknown): Promise<void> => {
      for (;;) {
        const chunk = await stream.read({ signal })
        if (chunk === null) return
        const at = size
        size += chunk.length
        if (size > expected) return
        hash.update(chunk)
        authors.read(chunk)
        await write(chunk, at)
      }
    }
    if (expected <= maxInMemory) {
      const content = new Uint8Array(expected)
      await receiveTo((chunk, at) => content.set(chunk, at))
      return { content, size, sha256: hash.digest('hex'), authors }
    }
    const file = this.newPath()
    await this.write(file, receiveTo)
    return { content: { file }, size, sha256: hash.digest('hex'), authors }
  }

  /** Writes a file. Removes it if the function throws. */
  async write(path: string, fill: (write: (chunk: Uint8Array) => Promise<void>) => Promise<void>): Promise<void> {
    const file = await storing(() => open(path, 'wx', 0o600))
    try {
      await fill(async chunk => {
        for (let at = 0; at < chunk.length; ) at += (await storing(() => file.write(chunk, at))).bytesWritten
      })
    } catch (error) {
      await this.remove({ file: path })
      throw error
    } finally {
      await file.close().catch(() => {})
    }
  }

  /** Hard-links a file for a store that moves it. Copies it if the file system has no hard links. */
  async share(path: string): Promise<MailFile> {
    const file = this.newPath()
    await link(path, file).catch(() => storing(() => copyFile(path, file)))
    return { file }
  }

  /** Removes a file. Leftovers are removed at start-up. */
  async remove(content: Uint8Array | MailFile): Promise<void> {
    if (!(content instanceof Uint8Array)) await rm(content.file, { force: true }).catch(() => {})
  }
}

async function storing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw storageError('write a message that arrives', error)
  }
}
