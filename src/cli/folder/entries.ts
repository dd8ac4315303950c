import { type BigIntStats, constants } from 'node:fs'
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'

/** Most entries that a listing has. */
const maxEntries = 5_000
/** Entries that are examined at once. */
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

/** What Windows takes for a device, a stream or another name. */
const notOnWindows = /[<>:"|?*]|[. ]$|~\d|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/** The names of a URL's path, decoded. `undefined` for a path that names nothing below the folder. */
export function namesOf(pathname: string, hasHidden: boolean): readonly string[] | undefined {
  const parts = pathname.slice(1).split('/')
  // A slash at the end.
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

/** What these names lead to, without following a link. */
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

/** Opens a file. `undefined` if it cannot be read, or is no file. */
export async function openFile(root: string, names: readonly string[]): Promise<OpenFile | undefined> {
  // Windows has neither flag, and takes them for 0. Without O_NONBLOCK, a FIFO would block.
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

/** Whether these names lead to an open file without a link: O_NOFOLLOW guards the last one only. */
async function leadTo(
  root: string,
  names: readonly string[],
  handle: FileHandle,
  { dev, ino }: BigIntStats
): Promise<boolean> {
  // Names may change between two calls. This one is where the file was opened.
  const path =
    process.platform === 'linux' ? await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined) : undefined
  if (path !== undefined) return path === join(root, ...names)
  if ((await kindOf(root, names)) !== 'file') return false
  const found = await lstat(join(root, ...names), { bigint: true })
  return found.dev === dev && found.ino === ino
}

/** The files and folders of a folder, folders first. `isCut`: there are more. `undefined` if it cannot be read. */
export async function entriesOf(
  root: string,
  names: readonly string[],
  hasHidden: boolean
): Promise<{ readonly entries: readonly Entry[]; readonly isCut: boolean } | undefined> {
  const path = join(root, ...names)
  const found: string[] = []
  let isCut = false
  try {
    for await (const { name } of await opendir(path)) {
      if (!isName(name) || (isHidden(name) && !hasHidden)) continue
      isCut = found.length === maxEntries
      if (isCut) break
      found.push(name)
    }
  } catch {
    return undefined
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
