import { flagsOf, seen } from '../../store/flags.js'
import type { MessageRow } from '../../store/message-index.js'
import { changeFlags } from '../../store/messages.js'
import { atomOf, expectCount, listOf, numberOf, textOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { bodyStructureOf, envelopeOf } from '../describe.js'
import { type FetchItem, fetchItems } from '../fetch-items.js'
import { formatDate, formatFlags } from '../format.js'
import { type ReadAhead, readAhead } from '../read-ahead.js'
import { headerSection, type MessageReader, withMessage } from '../read-message.js'
import { Refused } from '../refused.js'
import type { Session } from '../session.js'
import { parseSet } from '../sets.js'
import type { View } from '../view.js'

/** Items available from the row of a message. */
const ofRow = ['FLAGS', 'UID', 'INTERNALDATE', 'RFC822.SIZE', 'MODSEQ']

/** Batch size for reading rows. */
const pageSize = 64

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
  for (let at = 0; at < uids.length; at += pageSize) {
    const page = uids.slice(at, at + pageSize)
    const rows = page.map(uid => view.row(uid)).filter(row => row !== undefined)
    if (rows.length < page.length) isGone = true
    const changed = rows.filter(({ modseq }) => modseq > changedSince)
    const ahead = await readAhead(view, changed, wanted, session.shared.parsed)
    for (const row of changed) {
      if (!(await respond(session, view, row, wanted, { ahead: ahead.get(row.uid), isMarked: marked.has(row.uid) })))
        isGone = true
      await session.output.flushIfFull()
    }
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

/** Sets missing `\Seen` flags, and returns the changed UIDs. */
async function markSeen(view: View, uids: readonly number[]): Promise<Set<number>> {
  const unseen = uids.filter(uid => ((view.row(uid)?.system ?? seen) & seen) === 0)
  if (unseen.length === 0) return new Set()
  const { modseq } = await changeFlags(view.store, view.mailbox, unseen, { how: 'add', flags: flagsOf(['\\Seen']) })
  view.known(modseq)
  return new Set(unseen)
}

/** Sends the response for one message. Returns false if its file was removed. */
async function respond(
  session: Session,
  view: View,
  row: MessageRow,
  items: readonly FetchItem[],
  { ahead, isMarked }: { ahead: ReadAhead | undefined; isMarked: boolean }
): Promise<boolean> {
  const send = async (reader: MessageReader | undefined) => {
    await sendItems(session, view, row, items, { ahead, reader })
    const { output } = session
    const tellsFlags = isMarked && !items.some(({ kind }) => kind === 'FLAGS')
    const modseq = session.hasCondstore && !items.some(({ kind }) => kind === 'MODSEQ') ? ` MODSEQ (${row.modseq})` : ''
    if (isMarked) output.text(`${tellsFlags ? ` FLAGS ${formatFlags(row, view.recent.has(row.uid))}` : ''}${modseq}`)
    output.line(')')
    return true
  }
  if (ahead || items.every(({ kind }) => ofRow.includes(kind))) return await send(undefined)
  return (await withMessage(view, row, session.shared.parsed, send)) ?? false
}

/** Where items come from that the row does not answer: they were read ahead, or the file is open. */
interface Source {
  readonly ahead: ReadAhead | undefined
  readonly reader: MessageReader | undefined
}

async function sendItems(
  session: Session,
  view: View,
  row: MessageRow,
  items: readonly FetchItem[],
  source: Source
): Promise<void> {
  session.output.text(`* ${view.numberOf(row.uid)} FETCH (`)
  for (const [at, item] of items.entries()) {
    if (at > 0) session.output.text(' ')
    if (item.kind === 'section') await sendSection(session, source, item)
    else session.output.text(await itemValue(view, row, item, source))
  }
}

async function itemValue(view: View, row: MessageRow, item: FetchItem, { ahead, reader }: Source): Promise<string> {
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
      return `ENVELOPE ${ahead?.envelope ?? envelopeOf((await reader?.fields()) ?? [])}`
    default: {
      if (ahead?.structure !== undefined) return `${item.kind} ${ahead.structure}`
      const structure = await reader?.structure()
      return `${item.kind} ${structure ? bodyStructureOf(structure, item.kind === 'BODYSTRUCTURE') : 'NIL'}`
    }
  }
}

async function sendSection(
  session: Session,
  { ahead, reader }: Source,
  item: FetchItem & { kind: 'section' }
): Promise<void> {
  const { output } = session
  const found = ahead?.header ? headerSection(ahead.header, item.section) : await reader?.section(item.section)
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
  if (reader) for await (const chunk of reader.chunks(start, end)) await output.bytes(chunk)
}
