import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Maximum entries of a listing. */
const maxEntries = 5_000
/** Entries examined concurrently. */
const batch = 64

/** A file of the folder, open for reading. */
export interface OpenFile {
  readonly handle: FileHandle
  readonly size: number
  /** Last change, in nanoseconds. */
  readonly changed: bigint
}

/** An entry of a listing. */
export interface Entry {
  readonly name: string
  readonly isFolder: boolean
  readonly size: number
  /** Last change, in milliseconds. */
  readonly changed: number
}

/** Names that Windows interprets as a device, a stream or another name. */
const notOnWindows = /[<>:"|?*]|[. ]$|~\d|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** The decoded segments of a URL path. `undefined` for a path outside the folder. */
export function namesOf(pathname: string, hasHidden: boolean): readonly string[] | undefined {
  const parts = pathname.slice(1).split('/')
  // Trailing slash.
  if (parts.at(-1) === '') parts.pop()
  const names: string[] = []
  for (const part of parts) {
    const name = decoded(part)
    if (name === undefined || !isName(name) || (isHidden(name) && !hasHidden)) return undefined
    names.push(name)
  }
  return names
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}

function isName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || /[/\\\0]/.test(name)) return false
  return process.platform !== 'win32' || !notOnWindows.test(name)
}

function isHidden(name: string): boolean {
  return name.startsWith('.')
}

/** The entry at a path, without following links. */
export async function kindOf(root: string, names: readonly string[]): Promise<'file' | 'folder' | 'nothing'> {
  let kind: 'file' | 'folder' = 'folder'
  for (let depth = 1; depth <= names.length; depth++) {
    if (kind === 'file') return 'nothing'
    const found = await lstat(join(root, ...names.slice(0, depth))).catch(() => undefined)
    if (found === undefined || !(found.isFile() || found.isDirectory())) return 'nothing'
    kind = found.isFile() ? 'file' : 'folder'
  }
  return kind
}

/** Opens a file. `undefined` if it is unreadable or not a regular file. */
export async function openFile(root: string, names: readonly string[]): Promise<OpenFile | undefined> {
  // Windows lacks both flags, so they are 0. Without O_NONBLOCK, a FIFO would block.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(join(root, ...names), flags).catch(() => undefined)
  if (handle === undefined) return undefined
  try {
    const found = await handle.stat({ bigint: true })
    const isHere = found.isFile() && (await leadTo(root, names, handle, found))
    if (isHere) return { handle, size: Number(found.size), changed: found.mtimeNs }
  } catch {
    // Like a file that cannot be opened.
  }
  await handle.close()
  return undefined
}

/** Whether the path to an open file contains no link: O_NOFOLLOW checks only the last segment. */
async function leadTo(
  root: string,
  names: readonly string[],
  handle: FileHandle,
  found: BigIntStats
): Promise<boolean> {
  const path = await pathOf(handle)
  if (path !== undefined) return path === join(root, ...names)
  return (await kindOf(root, names)) === 'file' && isSame(found, await lstat(join(root, ...names), { bigint: true }))
}

/** The real path of an open file or folder, which may have been renamed. Linux only. */
async function pathOf({ fd }: FileHandle): Promise<string | undefined> {
  return process.platform === 'linux' ? await readlink(`/proc/self/fd/${fd}`).catch(() => undefined) : undefined
}

function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino
}

/** The entries of a folder, folders first. */
export interface Listing {
  readonly entries: readonly Entry[]
  /** Whether the list was truncated. */
  readonly isCut: boolean
}

/** Lists a folder. `undefined` if it is unreadable or behind a link. */
export async function entriesOf(
  root: string,
  names: readonly string[],
  hasHidden: boolean
): Promise<Listing | undefined> {
  const path = join(root, ...names)
  try {
    const handle =
      process.platform === 'linux'
        ? await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
        : undefined
    try {
      const opened = handle === undefined ? undefined : await pathOf(handle)
      // Renames from here on do not affect the open folder.
      if (opened === path) return await listed(`/proc/self/fd/${handle?.fd}`, hasHidden)
      if (opened !== undefined) return undefined
    } finally {
      await handle?.close()
    }
    const before = await lstat(path, { bigint: true })
    const listing = await listed(path, hasHidden)
    // A link may have replaced the folder before it was listed.
    const isHere = (await kindOf(root, names)) === 'folder' && isSame(before, await lstat(path, { bigint: true }))
    return isHere ? listing : undefined
  } catch {
    return undefined
  }
}

async function listed(path: string, hasHidden: boolean): Promise<Listing> {
  const found: string[] = []
  let isCut = false
  for await (const { name } of await opendir(path)) {
    if (!isName(name) || (isHidden(name) && !hasHidden)) continue
    isCut = found.length === maxEntries
    if (isCut) break
    found.push(name)
  }
  const entries: Entry[] = []
  for (let at = 0; at < found.length; at += batch) {
    const some = await Promise.all(found.slice(at, at + batch).map(name => entryOf(path, name)))
    for (const entry of some) if (entry !== undefined) entries.push(entry)
  }
  const { compare } = new Intl.Collator('en', { numeric: true })
  entries.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || compare(a.name, b.name))
  return { entries, isCut }
}

async function entryOf(folder: string, name: string): Promise<Entry | undefined> {
  const found = await lstat(join(folder, name)).catch(() => undefined)
  if (found === undefined || !(found.isFile() || found.isDirectory())) return undefined
  return { name, isFolder: found.isDirectory(), size: found.size, changed: found.mtimeMs }
}
