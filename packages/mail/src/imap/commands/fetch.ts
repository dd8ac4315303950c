import { flagsOf, seen } from '../../store/flags.js'
import type { MessageRow } from '../../store/message-index.js'
import { changeFlags } from '../../store/messages.js'
import { atomOf, expectCount, listOf, numberOf, textOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { bodyStructureOf, envelopeOf } from '../describe.js'
import { type FetchItem, fetchItems } from '../fetch-items.js'
import { formatDate, formatFlags } from '../format.js'
import { type MessageReader, withMessage } from '../read-message.js'
import { Refused } from '../refused.js'
import type { Session } from '../session.js'
import { parseSet } from '../sets.js'
import type { View } from '../view.js'

/** Items that the index answers. */
const ofIndex = ['FLAGS', 'UID', 'INTERNALDATE', 'RFC822.SIZE', 'MODSEQ']

export async function fetch(session: Session, { name, args }: Command): Promise<string> {
  expectCount(args, 2, 3)
  const isUid = name.startsWith('UID')
  const view = session.selected
  const items = fetchItems(args[1])
  const changedSince = args[2] === undefined ? 0 : changedSinceOf(args[2])
  if (args[2] !== undefined || items.some(({ kind }) => kind === 'MODSEQ')) session.hasCondstore = true
  const uids = view.resolve(parseSet(textOf(args[0])), isUid)
  const wanted = withImplied(items, { isUid, hasModseq: args[2] !== undefined })
  const marks = wanted.some(item => item.kind === 'section' && !item.isPeek) && !view.isReadOnly
  const marked = marks ? await markSeen(view, uids) : new Set<number>()
  let isGone = false
  for (const uid of uids) {
    const row = view.row(uid)
    if (!row) isGone = true
    else if (row.modseq > changedSince && !(await respond(session, view, row, wanted, marked.has(uid)))) isGone = true
    await session.output.flushIfFull()
  }
  if (isGone && !isUid) throw new Refused('some messages were removed', 'EXPUNGEISSUED')
  return `OK ${name} completed`
}

function changedSinceOf(token: Token): number {
  const modifier = listOf(token)
  if (modifier.length !== 2 || atomOf(modifier[0]) !== 'CHANGEDSINCE')
    throw new BadCommand('the modifier is not supported')
  return numberOf(modifier[1])
}

function withImplied(
  items: readonly FetchItem[],
  { isUid, hasModseq }: { isUid: boolean; hasModseq: boolean }
): FetchItem[] {
  const has = (kind: string) => items.some(item => item.kind === kind)
  const implied: FetchItem[] = []
  if (isUid && !has('UID')) implied.push({ kind: 'UID' })
  if (hasModseq && !has('MODSEQ')) implied.push({ kind: 'MODSEQ' })
  return [...implied, ...items]
}

/** Sets `\Seen` where it is missing, and returns the UIDs that it was set for. */
async function markSeen(view: View, uids: readonly number[]): Promise<Set<number>> {
  const unseen = uids.filter(uid => ((view.row(uid)?.system ?? seen) & seen) === 0)
  if (unseen.length === 0) return new Set()
  const { modseq } = await changeFlags(view.store, view.mailbox, unseen, { how: 'add', flags: flagsOf(['\\Seen']) })
  view.known(modseq)
  return new Set(unseen)
}

/** Sends the response of one message. Returns false if its file is gone. */
async function respond(
  session: Session,
  view: View,
  row: MessageRow,
  items: readonly FetchItem[],
  isMarked: boolean
): Promise<boolean> {
  const send = async (reader: MessageReader | undefined) => {
    await sendItems(session, view, row, items, reader)
    const { output } = session
    const tellsFlags = isMarked && !items.some(({ kind }) => kind === 'FLAGS')
    const modseq = session.hasCondstore && !items.some(({ kind }) => kind === 'MODSEQ') ? ` MODSEQ (${row.modseq})` : ''
    if (isMarked) output.text(`${tellsFlags ? ` FLAGS ${formatFlags(row, view.recent.has(row.uid))}` : ''}${modseq}`)
    output.line(')')
    return true
  }
  if (items.every(({ kind }) => ofIndex.includes(kind))) return await send(undefined)
  return (await withMessage(view, row, session.shared.parsed, send)) ?? false
}

async function sendItems(
  session: Session,
  view: View,
  row: MessageRow,
  items: readonly FetchItem[],
  reader: MessageReader | undefined
): Promise<void> {
  session.output.text(`* ${view.numberOf(row.uid)} FETCH (`)
  for (const [at, item] of items.entries()) {
    if (at > 0) session.output.text(' ')
    if (reader && item.kind === 'section') await sendSection(session, reader, item)
    else session.output.text(await itemValue(view, row, item, reader))
  }
}

async function itemValue(
  view: View,
  row: MessageRow,
  item: FetchItem,
  reader: MessageReader | undefined
): Promise<string> {
  switch (item.kind) {
    case 'UID':
      return `UID ${row.uid}`
    case 'FLAGS':
      return `FLAGS ${formatFlags(row, view.recent.has(row.uid))}`
    case 'INTERNALDATE':
      return `INTERNALDATE ${formatDate(row.received)}`
    case 'RFC822.SIZE':
      return `RFC822.SIZE ${row.size}`
    case 'MODSEQ':
      return `MODSEQ (${row.modseq})`
    case 'ENVELOPE':
      return `ENVELOPE ${envelopeOf((await reader?.fields()) ?? [])}`
    default: {
      const structure = await reader?.structure()
      return `${item.kind} ${structure ? bodyStructureOf(structure, item.kind === 'BODYSTRUCTURE') : 'NIL'}`
    }
  }
}

async function sendSection(
  session: Session,
  reader: MessageReader,
  item: FetchItem & { kind: 'section' }
): Promise<void> {
  const { output } = session
  const found = await reader.section(item.section)
  if (!found) {
    output.text(`${item.label} NIL`)
    return
  }
  const [skip, most] = item.partial ?? [0, Number.POSITIVE_INFINITY]
  if (Buffer.isBuffer(found)) {
    const bytes = found.subarray(skip, Math.min(found.length, skip + most))
    output.text(`${item.label} {${bytes.length}}\r\n`)
    await output.bytes(bytes)
    return
  }
  const start = Math.min(found.start + skip, found.end)
  const end = Math.min(start + most, found.end)
  output.text(`${item.label} {${end - start}}\r\n`)
  for await (const chunk of reader.chunks(start, end)) await output.bytes(chunk)
}
