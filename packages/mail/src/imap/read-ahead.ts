import type { Description } from '../store/descriptions.js'
import type { MessageRow } from '../store/message-index.js'
import type { ByteBudget } from './budget.js'
import { bodyStructureOf, envelopeOf } from './describe.js'
import type { FetchItem } from './fetch-items.js'
import { withMessage } from './read-message.js'
import type { View } from './view.js'

/** Concurrent message reads. Node.js has four threads for files. */
const atOnce = 4

/** Maximum bytes read ahead per message. Larger headers are sent from the file. */
const maxBytes = 64 * 1024

/** Data of a message for FETCH, besides its row. */
export interface ReadAhead extends Description {
  readonly header: Buffer | undefined
}

/** Requested data. */
interface Wanted {
  readonly envelope: boolean
  readonly structure: boolean
  readonly header: boolean
}

/**
 * Reads the data for FETCH items from the index, else concurrently from files. Returns it by UID, without removed messages and large headers.
 * Returns nothing if an item needs more than the header.
 */
export async function readAhead(
  view: View,
  rows: readonly MessageRow[],
  items: readonly FetchItem[],
  budget: ByteBudget
): Promise<Map<number, ReadAhead>> {
  const found = new Map<number, ReadAhead>()
  const wanted = wantedBy(items)
  if (!wanted) return found
  const fresh = new Map<number, Description>()
  let next = 0
  const work = async () => {
    for (let row = rows[next++]; row; row = rows[next++]) {
      const known = view.store.descriptions.get(view.mailbox.id, row.uid)
      const isKnown =
        (known.envelope !== undefined || !wanted.envelope) && (known.structure !== undefined || !wanted.structure)
      const read =
        isKnown && !wanted.header ? { ...known, header: undefined } : await readOne(view, row, known, wanted, budget)
      if (!read) continue
      found.set(row.uid, read)
      if (!isKnown) fresh.set(row.uid, read)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  view.store.descriptions.keep(view.mailbox.id, fresh)
  return found
}

/** The requested data; `undefined` if an item needs the body, or none needs the file. */
function wantedBy(items: readonly FetchItem[]): Wanted | undefined {
  const wanted = { envelope: false, structure: false, header: false }
  for (const item of items) {
    if (item.kind === 'ENVELOPE') wanted.envelope = true
    else if (item.kind === 'BODYSTRUCTURE') wanted.structure = true
    else if (item.kind === 'BODY') return undefined
    else if (item.kind === 'section') {
      const { path, text } = item.section
      if (path.length > 0 || text === undefined || !text.startsWith('HEADER')) return undefined
      wanted.header = true
    }
  }
  return wanted.envelope || wanted.structure || wanted.header ? wanted : undefined
}

async function readOne(
  view: View,
  row: MessageRow,
  known: Description,
  wanted: Wanted,
  budget: ByteBudget
): Promise<ReadAhead | undefined> {
  return await withMessage(view, row, budget, async reader => {
    const header = await reader.header()
    if (header.length > maxBytes) return undefined
    const envelope = wanted.envelope ? (known.envelope ?? envelopeOf(await reader.fields())) : undefined
    const structure = wanted.structure
      ? (known.structure ?? bodyStructureOf(await reader.structure(), true))
      : undefined
    if ((envelope?.length ?? 0) + (structure?.length ?? 0) > maxBytes) return undefined
    return { envelope, structure, header: wanted.header ? header : undefined }
  })
}
