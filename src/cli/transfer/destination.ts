import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, realpath, rename, rm, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { absent, cannot, onDisk } from './disk.js'
import { TransferError } from './messages.js'
import { checkPath } from './names.js'
import { othersOf, partName, partsIn } from './parts.js'

/** Unfinished transfers whose files are kept. Older ones give way. */
const maxParts = 8

/** A file or folder that a peer offers. */
export interface OfferedEntry {
  readonly path: string
  /** Number of bytes; `null` if it is unknown, absent for a folder. */
  readonly size?: number | null
  readonly executable?: boolean
}

/** Existing file at the place of an entry. */
export type Present = 'nothing' | 'folder' | 'same-size' | 'other'

/**
 * A folder that receives files. Follows no link below it, and writes nothing outside.
 *
 * A file has its bytes in `.fastn-net-*.part` until all have arrived and their digest is right.
 */
export class TargetFolder {
  readonly #root: string
  readonly #force: boolean
  /** Folders below the root that exist and are no links. */
  readonly #folders = new Set<string>()

  private constructor(root: string, force: boolean) {
    this.#root = root
    this.#force = force
  }

  /** Opens a folder, which is made if it does not exist, and checks that files can be made in it. */
  static async open(path: string, force: boolean): Promise<TargetFolder> {
    try {
      await mkdir(path, { recursive: true })
      const folder = new TargetFolder(await realpath(path), force)
      const probe = folder.#partPath(randomBytes(16).toString('hex'), 0)
      await (await open(probe, 'wx')).close()
      await unlink(probe)
      return folder
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      throw new TransferError('disk', `cannot write to the folder '${path}': ${code ?? String(error)}`)
    }
  }

  /** The same folder for another transfer. */
  fresh(): TargetFolder {
    return new TargetFolder(this.#root, this.#force)
  }

  /** Bytes that the disk has room for. */
  async #freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#root)
      return bavail * bsize
    } catch {
      // Not every file system tells.
      return Number.POSITIVE_INFINITY
    }
  }

  /** Looks what is at the place of an entry. What would be replaced without permission is an error. */
  async look(entry: OfferedEntry): Promise<Present> {
    const names = checkPath(entry.path)
    if (!(await this.#hasFolders(names.slice(0, -1)))) return 'nothing'
    const found = await lstat(join(this.#root, ...names)).catch(absent)
    if (found === undefined) return 'nothing'
    if (entry.size === undefined) {
      if (found.isDirectory()) return 'folder'
      throw exists(entry.path, 'it is there, and is no folder')
    }
    if (found.isDirectory()) throw exists(entry.path, 'a folder has that name')
    if (found.isFile() && found.size === entry.size) return 'same-size'
    if (!this.#force) throw exists(entry.path, 'it is there; receive --force replaces it')
    return 'other'
  }

  /** Throws for an existing entry of another content, unless it is to be replaced. */
  differs(entry: OfferedEntry): void {
    if (!this.#force) throw exists(entry.path, 'it is there with other content; receive --force replaces it')
  }

  /** Bytes of each file of an unfinished transfer, by the number of the file. Removes the oldest files of others. */
  async parts(id: string, isActive: (id: string) => boolean): Promise<Map<number, number>> {
    const all = await partsIn(this.#root)
    for (const { path } of othersOf(all, id, isActive).slice(maxParts - 1)) await rm(path, { force: true })
    return new Map(all.filter(({ owner }) => owner === id).map(({ index, size }) => [index, size]))
  }

  /**
   * Whether the disk has room for so many bytes. If not, removes the files of unfinished transfers that do not run, the oldest first,
   * unless all of them are too little.
   */
  async makeRoom(bytes: number, id: string, isActive: (id: string) => boolean): Promise<boolean> {
    let free = await this.#freeBytes()
    if (free >= bytes) return true
    const others = othersOf(await partsIn(this.#root), id, isActive).reverse()
    if (free + others.reduce((sum, { size }) => sum + size, 0) < bytes) return false
    for (const { path } of others) {
      await rm(path, { force: true })
      free = await this.#freeBytes()
      if (free >= bytes) return true
    }
    return false
  }

  /** Opens the file that has the first bytes of an entry. */
  async openPart(id: string, index: number, executable: boolean): Promise<FileHandle> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants
    // Windows has no links to follow there.
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW
    const file = await onDisk('write', open(this.#partPath(id, index), flags, executable ? 0o777 : 0o666))
    const found = await file.stat()
    if (found.isFile() && found.nlink === 1) return file
    await file.close()
    throw new TransferError('disk', 'the file of an unfinished transfer is not a plain file')
  }

  /** Opens a file that is there, to hash it. */
  async openPresent(entry: OfferedEntry): Promise<FileHandle> {
    const path = join(this.#root, ...checkPath(entry.path))
    return await onDisk('read', open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
  }

  /** Gives a complete file its name. */
  async commit(id: string, index: number, entry: OfferedEntry): Promise<void> {
    const names = checkPath(entry.path)
    await this.makeFolder(names.slice(0, -1))
    const [part, path] = [this.#partPath(id, index), join(this.#root, ...names)]
    if (this.#force) return void (await onDisk('write', rename(part, path)))
    try {
      // Unlike a rename, a link replaces nothing.
      await link(part, path)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') throw exists(entry.path, 'it is there; receive --force replaces it')
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw cannot('write', error)
      // A file system without links.
      if ((await lstat(path).catch(absent)) !== undefined)
        throw exists(entry.path, 'it is there; receive --force replaces it')
      return void (await onDisk('write', rename(part, path)))
    }
    await onDisk('write', unlink(part))
  }

  /** Removes the file of an unfinished transfer. */
  async discard(id: string, index: number): Promise<void> {
    await rm(this.#partPath(id, index), { force: true })
  }

  /** Makes the folders of these names, each in the one before. */
  async makeFolder(names: readonly string[]): Promise<void> {
    for (let depth = 1; depth <= names.length; depth++) {
      if (await this.#hasFolders(names.slice(0, depth))) continue
      const path = join(this.#root, ...names.slice(0, depth))
      await mkdir(path).catch(error => {
        if (error.code !== 'EEXIST') throw cannot('write', error)
      })
    }
    if (!(await this.#hasFolders(names))) throw exists(names.join('/'), 'it is no folder')
  }

  /** Whether these folders exist. A link in their place is an error: it leads elsewhere. */
  async #hasFolders(names: readonly string[]): Promise<boolean> {
    for (let depth = 1; depth <= names.length; depth++) {
      const path = names.slice(0, depth).join('/')
      if (this.#folders.has(path)) continue
      const found = await lstat(join(this.#root, path)).catch(absent)
      if (found === undefined) return false
      if (!found.isDirectory()) throw exists(path, found.isSymbolicLink() ? 'it is a link' : 'it is no folder')
      this.#folders.add(path)
    }
    return true
  }

  #partPath(id: string, index: number): string {
    return join(this.#root, partName(id, index))
  }
}

function exists(path: string, why: string): TransferError {
  return new TransferError('exists', `cannot receive '${path}': ${why}`)
}
