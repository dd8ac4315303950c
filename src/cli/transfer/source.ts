import { createHash, randomBytes } from 'node:crypto'
import { opendir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { limits, TransferError } from './messages.js'
import { checkPath } from './names.js'

/** A file or folder to send. */
export interface SourceEntry {
  /** Path below the receiver's folder, with `/`. */
  readonly path: string
  /** Local path; absent for a folder and for stdin. */
  readonly file?: string
  /** Size in bytes; `null` if unknown, absent for a folder. */
  readonly size?: number | null
  readonly executable?: boolean
  /** Time of the last change, to detect versions. */
  readonly changed?: number
}

/** Source of a transfer. */
export interface Source {
  /** Name of the file or folder at the receiver. */
  readonly name: string
  /** Equal for equal files, so that a receiver finds its partial data. */
  readonly id: string
  readonly entries: readonly SourceEntry[]
  /** Bytes of all files; `null` for stdin. */
  readonly total: number | null
  /** Links and devices, which are not sent. */
  readonly skipped: readonly string[]
}

/** The bytes of stdin, as one file. */
export function stdinSource(name: string): Source {
  checkPath(name)
  const entries = [{ path: name, size: null }]
  return { name, id: randomBytes(16).toString('hex'), entries, total: null, skipped: [] }
}

/** A file, or a folder with its content. Follows no links except `path` itself. */
export async function pathSource(path: string, name: string | undefined, signal: AbortSignal): Promise<Source> {
  const absolute = resolve(path)
  const found = await stat(absolute).catch(error => {
    throw unreadable(path, error)
  })
  const root = name ?? basename(absolute)
  if (root === '') throw new TransferError('name', `'${path}' has no name: set one with --name`)
  checkPath(root)
  if (root.includes('/')) throw new TransferError('name', `the name '${root}' must not have a slash`)
  const walk = new Walk(signal)
  if (found.isFile()) walk.addFile(root, absolute, found)
  else if (found.isDirectory()) await walk.addFolder(root, absolute)
  else throw new TransferError('source', `'${path}' is neither a file nor a folder; to send a stream: - and stdin`)
  const { entries, skipped } = walk
  const total = entries.reduce((sum, { size }) => sum + (size ?? 0), 0)
  return { name: root, id: idOf(absolute, entries), entries, total, skipped }
}

/** Identifies the files and their versions. Includes the local path, so that others cannot guess it. */
function idOf(absolute: string, entries: readonly SourceEntry[]): string {
  const hash = createHash('sha256').update(absolute)
  for (const { path, size, changed } of entries) hash.update(`\0${path}\0${size}\0${changed}`)
  return hash.digest('hex').slice(0, 32)
}

/** Collects the entries of a folder, sorted by name. */
class Walk {
  readonly entries: SourceEntry[] = []
  readonly skipped: string[] = []
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  addFile(path: string, file: string, found: { size: number; mode: number; mtimeMs: number }): void {
    const executable = (found.mode & 0o111) !== 0
    this.#add({ path, file, size: found.size, changed: found.mtimeMs, ...(executable && { executable }) })
  }

  async addFolder(path: string, folder: string): Promise<void> {
    this.#add({ path })
    const children = []
    try {
      for await (const child of await opendir(folder)) children.push(child)
    } catch (error) {
      throw unreadable(folder, error)
    }
    this.#signal.throwIfAborted()
    for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const [childPath, file] = [`${path}/${child.name}`, join(folder, child.name)]
      checkPath(childPath)
      if (child.isDirectory()) await this.addFolder(childPath, file)
      else if (child.isFile()) this.addFile(childPath, file, await stat(file))
      else this.skipped.push(childPath)
    }
  }

  #add(entry: SourceEntry): void {
    if (this.entries.length === limits.entries) {
      const most = limits.entries.toLocaleString('en')
      throw new TransferError('too-many', `there are more than ${most} files and folders: send an archive instead`)
    }
    this.entries.push(entry)
  }
}

/** A file of the source is unreadable. */
export function unreadable(path: string, error: unknown): TransferError {
  const { code } = error as NodeJS.ErrnoException
  return new TransferError('source', `cannot read '${path}': ${code ?? String(error)}`)
}
