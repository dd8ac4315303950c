import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { bits } from './flags.js'

/** Separates the flags in a file name. Windows does not allow colons. */
const infoSeparator = process.platform === 'win32' ? ';' : ':'

/** The parsed file name of a message. */
export interface MessageFile {
  /** Name without flags, constant while the message is in its folder. */
  readonly base: string
  /** Path inside the mailbox's folder: `new/…` or `cur/…`. */
  readonly file: string
  /** Sum of the bits of the flags. */
  readonly system: number
  /** Letters that are not IMAP flags, such as Dovecot's keywords. Kept when flags change. */
  readonly letters: string
}

/** Parses the name of a file in `new` or `cur`. Returns `undefined` if it is not a message. */
export function parseFile(folder: 'new' | 'cur', name: string): MessageFile | undefined {
  if (name.startsWith('.')) return undefined
  const at = name.search(/[:;]2,/)
  const base = at === -1 ? name : name.slice(0, at)
  let system = 0
  let letters = ''
  for (const letter of at === -1 ? '' : name.slice(at + 3)) {
    const known = bits.find(entry => entry.letter === letter)
    if (known) system |= known.bit
    else if (/[A-Za-z]/.test(letter)) letters += letter
  }
  return { base, file: `${folder}/${name}`, system, letters }
}

/** The path of a message with these flags inside its mailbox's folder. Letters are in ASCII order, as Maildir requires. */
export function fileOf(base: string, system: number, letters: string): string {
  const flags = bits.filter(({ bit }) => system & bit).map(({ letter }) => letter)
  return `cur/${base}${infoSeparator}2,${[...new Set([...flags, ...letters])].sort().join('')}`
}

/** A unique name for a message. */
export function freshBase(size: number, now: number = Date.now()): string {
  return `${Math.floor(now / 1000)}.R${randomBytes(16).toString('hex')}.fastn,S=${size}`
}

/** The name of a delivery, made from the hash of its id. */
export function deliveryBase(hash: string, size: number, now: number): string {
  return `${Math.floor(now / 1000)}.D${hash}.fastn,S=${size}`
}

/** The hash in the name of a delivery; `undefined` for files of other programs and copies. */
export function hashOf(base: string): string | undefined {
  return /^\d+\.D([0-9a-f]{32})\.fastn,S=\d+$/.exec(base)?.[1]
}

/** Creates the folders of a mailbox durably. No-op for existing ones. */
export async function makeFolders(root: string, folder: string): Promise<void> {
  const path = join(root, folder)
  await mkdir(path, { recursive: true, mode: 0o700 })
  for (const inside of ['tmp', 'new', 'cur']) await mkdir(join(path, inside), { recursive: true, mode: 0o700 })
  // Marks this folder as a mailbox (Maildir++).
  if (folder !== '') await open(join(path, 'maildirfolder'), 'a', 0o600).then(file => file.close())
  await syncFolder(path)
  await syncFolder(root)
}

/** Syncs a folder's directory entries. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot sync a folder handle; NTFS journals its names.
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** All messages of a mailbox's folder. Files with the same base in both folders are one message during a rename. */
export async function listMessages(path: string): Promise<Map<string, MessageFile>> {
  const found = new Map<string, MessageFile>()
  // Read `new` first, so that a file that moves to `cur` meanwhile is found in one of them.
  for (const folder of ['new', 'cur'] as const) {
    for (const name of await readdir(join(path, folder))) {
      const file = parseFile(folder, name)
      if (file) found.set(file.base, file)
    }
  }
  return found
}

/** Removes leftovers from `tmp`: own files immediately, others after 36 hours as in the Maildir specification. */
export async function cleanTmp(path: string, lastChange: (file: string) => Promise<number>): Promise<void> {
  const tmp = join(path, 'tmp')
  for (const name of await readdir(tmp)) {
    const file = join(tmp, name)
    const ours = /\.fastn(,S=\d+)?$/.test(name)
    if (ours || (await lastChange(file).catch(() => Date.now())) < Date.now() - 36 * 3600_000) await removeFile(file)
  }
}

/** Removes a file. No-op if it does not exist. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}
