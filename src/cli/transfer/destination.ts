import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, realpath, rename, rm, statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { absent, cannot, onDisk } from './disk.js'
import { TransferError } from './messages.js'
import { checkPath } from './names.js'
import { othersOf, partName, partsIn } from './parts.js'

/** Maximum unfinished transfers to keep. Older ones are deleted. */
const maxParts = 8

/** A file or folder that a peer offers. */
export interface OfferedEntry {
  readonly path: string
  /** Size in bytes; `null` if unknown, absent for a folder. */
  readonly size?: number | null
  readonly executable?: boolean
}

/** Existing file at the path of an entry. */
export type Present = 'nothing' | 'folder' | 'same-size' | 'other'

/**
 * A folder that receives files. Follows no links below it, and writes nothing outside.
 *
 * Files are written to `.fastn-net-*.part` until they are complete and their digest matches.
 */
export class TargetFolder {
  readonly #root: string
  readonly #force: boolean
  /** Existing folders below the root that are not links. */
  readonly #folders = new Set<string>()

  private constructor(root: string, force: boolean) {
    this.#root = root
    this.#force = force
  }

  /** Opens a folder, creates it if necessary, and checks that it is writable. */
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

  /** Free bytes of the disk. */
  async #freeBytes(): Promise<number> {
    try {
      const { bavail, bsize } = await statfs(this.#root)
      return bavail * bsize
    } catch {
      // Some file systems do not report it.
      return Number.POSITIVE_INFINITY
    }
  }

  /** Checks the path of an entry. An existing file without --force is an error. */
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

  /** Throws for an existing entry with different content, unless --force is given. */
  differs(entry: OfferedEntry): void {
    if (!this.#force) throw exists(entry.path, 'it exists with different content; receive --force replaces it')
  }

  /** Received bytes of each file of an unfinished transfer, by entry. Deletes the oldest files of others. */
  async parts(id: string, isActive: (id: string) => boolean): Promise<Map<number, number>> {
    const all = await partsIn(this.#root)
    for (const { path } of othersOf(all, id, isActive).slice(maxParts - 1)) await rm(path, { force: true })
    return new Map(all.filter(({ owner }) => owner === id).map(({ index, size }) => [index, size]))
  }

  /**
   * Whether the disk has enough free space. If not, deletes files of inactive unfinished transfers, oldest first, unless even all of them
   * would not suffice.
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

  /** Opens the partial file of an entry. */
  async openPart(id: string, index: number, executable: boolean): Promise<FileHandle> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW } = constants
    // Windows does not follow links here.
    const flags = O_RDWR | O_CREAT | O_NOFOLLOW
    const file = await onDisk('write', open(this.#partPath(id, index), flags, executable ? 0o777 : 0o666))
    const found = await file.stat()
    if (found.isFile() && found.nlink === 1) return file
    await file.close()
    throw new TransferError('disk', 'the file of an unfinished transfer is not a regular file')
  }

  /** Opens an existing file for hashing. */
  async openPresent(entry: OfferedEntry): Promise<FileHandle> {
    const path = join(this.#root, ...checkPath(entry.path))
    return await onDisk('read', open(path, constants.O_RDONLY | constants.O_NOFOLLOW))
  }

  /** Renames a complete file to its final name. */
  async commit(id: string, index: number, entry: OfferedEntry): Promise<void> {
    const names = checkPath(entry.path)
    await this.makeFolder(names.slice(0, -1))
    const [part, path] = [this.#partPath(id, index), join(this.#root, ...names)]
    if (this.#force) return void (await onDisk('write', rename(part, path)))
    try {
      // Unlike a rename, a link does not replace an existing file.
      await link(part, path)
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code === 'EEXIST') throw exists(entry.path, 'it is there; receive --force replaces it')
      if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw cannot('write', error)
      // The file system has no hard links.
      if ((await lstat(path).catch(absent)) !== undefined)
        throw exists(entry.path, 'it is there; receive --force replaces it')
      return void (await onDisk('write', rename(part, path)))
    }
    await onDisk('write', unlink(part))
  }

  /** Deletes the file of an unfinished transfer. */
  async discard(id: string, index: number): Promise<void> {
    await rm(this.#partPath(id, index), { force: true })
  }

  /** Creates nested folders. */
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

  /** Whether nested folders exist. A link among them is an error, because it may lead outside. */
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
