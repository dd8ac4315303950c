import type { PeerStream } from '../../index.js'
import type { OfferedEntry } from './destination.js'
import { invalidLine, limits, type Message, readMessage, TransferError, wholeNumber } from './messages.js'
import { checkPath } from './names.js'

/** Offer of a sender. All names are checked. */
export interface Offer {
  readonly id: string
  readonly name: string
  readonly entries: readonly OfferedEntry[]
  /** Total bytes; `null` if the size of a file is unknown. */
  readonly total: number | null
}

/** Reads the first lines of a transfer. */
export async function readOffer(stream: PeerStream, signal: AbortSignal): Promise<Offer> {
  const { id, name, entries } = await readMessage(stream, signal)
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id) || typeof name !== 'string') throw invalidLine()
  if (checkPath(name).length !== 1) throw invalidLine()
  const count = wholeNumber(entries, Number.MAX_SAFE_INTEGER)
  if (count > limits.entries) {
    throw new TransferError('too-many', `more than ${limits.entries.toLocaleString('en')} files and folders`)
  }
  const list = await readEntries(stream, name, count, signal)
  let total: number | null = 0
  for (const { size } of list) if (total !== null) total = size === null ? null : total + (size ?? 0)
  if (total !== null && !Number.isSafeInteger(total)) throw invalidLine()
  return { id, name, entries: list, total }
}

async function readEntries(
  stream: PeerStream,
  name: string,
  count: number,
  signal: AbortSignal
): Promise<OfferedEntry[]> {
  const entries: OfferedEntry[] = []
  const paths = new Set<string>()
  let bytes = 0
  while (entries.length < count) {
    const entry = entryOf(await readMessage(stream, signal), name)
    bytes += Buffer.byteLength(entry.path) + 64
    if (bytes > limits.listBytes) throw new TransferError('too-many', 'the names of all files are too long')
    if (paths.has(entry.path)) throw invalidLine()
    paths.add(entry.path)
    entries.push(entry)
  }
  return entries
}

function entryOf({ path, size, executable }: Message, name: string): OfferedEntry {
  if (typeof path !== 'string') throw invalidLine()
  const [root] = checkPath(path)
  if (root !== name) throw new TransferError('name', 'a file is outside the offered folder')
  return {
    path,
    ...(size !== undefined && { size: size === null ? null : wholeNumber(size, Number.MAX_SAFE_INTEGER) }),
    ...(executable === true && { executable })
  }
}
