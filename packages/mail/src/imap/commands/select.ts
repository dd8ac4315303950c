import { seen } from '../../store/flags.js'
import type { Counts, MailboxRow } from '../../store/message-index.js'
import { atomOf, expectCount, isList, listOf, mailboxOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { quoteMailbox } from '../format.js'
import { Refused } from '../refused.js'
import type { Session } from '../session.js'
import { View } from '../view.js'

/** Batch size for finding the first unseen message. */
const pageSize = 1000

export async function select(session: Session, command: Command): Promise<string> {
  return await open(session, command, false)
}

export async function examine(session: Session, command: Command): Promise<string> {
  return await open(session, command, true)
}

async function open(session: Session, { name, args }: Command, isReadOnly: boolean): Promise<string> {
  expectCount(args, 1, 2)
  const { output, mail } = session
  if (session.view) output.line('* OK [CLOSED] the mailbox before is closed')
  session.view = undefined
  if (args[1] !== undefined) enableCondstore(session, args[1])
  await mail.syncFolders()
  const mailbox = mail.state(mailboxOf(args[0]))
  if (!mailbox) throw new Refused('the mailbox does not exist', 'NONEXISTENT')
  const view = await View.open(mail, mailbox, isReadOnly)
  const { uid_next, uid_validity } = mailbox.row()
  view.tellFlags(output)
  output.line(`* ${view.uids.length} EXISTS`)
  output.line(`* ${view.recentCount} RECENT`)
  const unseen = firstUnseen(view)
  if (unseen > 0) output.line(`* OK [UNSEEN ${unseen}] first unseen`)
  output.line(`* OK [UIDVALIDITY ${uid_validity}] UIDs are valid`)
  output.line(`* OK [UIDNEXT ${uid_next}] next UID`)
  output.line(`* OK [HIGHESTMODSEQ ${view.modseq}] highest`)
  session.view = view
  return `OK [${isReadOnly ? 'READ-ONLY' : 'READ-WRITE'}] ${name} completed`
}

function enableCondstore(session: Session, token: Token): void {
  const names = listOf(token).map(atomOf)
  if (names.length !== 1 || names[0] !== 'CONDSTORE') throw new BadCommand('the parameter is not supported')
  session.hasCondstore = true
}

function firstUnseen(view: View): number {
  for (let after = 0; ; ) {
    const rows = view.store.index.page(view.mailbox.id, after, pageSize)
    const found = rows.find(row => (row.system & seen) === 0)
    if (found) return view.numberOf(found.uid)
    if (rows.length < pageSize) return 0
    after = rows.at(-1)?.uid ?? after
  }
}

export async function unselect(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  if (!session.view) throw new Refused('no mailbox is selected')
  session.view = undefined
  return 'OK UNSELECT completed'
}

type StatusItem = (row: MailboxRow, counts: Counts) => number

const statusItems: Readonly<Record<string, StatusItem>> = {
  MESSAGES: (_, counts) => counts.messages,
  RECENT: (_, counts) => counts.recent,
  UIDNEXT: row => row.uid_next,
  UIDVALIDITY: row => row.uid_validity,
  UNSEEN: (_, counts) => counts.unseen,
  HIGHESTMODSEQ: row => row.modseq,
  SIZE: (_, counts) => counts.bytes
}

export async function status(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 2)
  const items = statusItemsOf(session, args[1])
  await session.mail.syncFolders()
  const name = mailboxOf(args[0])
  const line = await statusLine(session, name, items)
  if (line === undefined) throw new Refused('the mailbox does not exist', 'NONEXISTENT')
  session.output.line(line)
  return 'OK STATUS completed'
}

/** The items of STATUS in a list. Throws `BadCommand` for unknown ones. */
export function statusItemsOf(session: Session, token: Token | undefined): string[] {
  const names = isList(token) ? token.map(atomOf) : []
  if (names.length === 0 || names.some(name => !Object.hasOwn(statusItems, name)))
    throw new BadCommand('the items of STATUS are invalid')
  if (names.includes('HIGHESTMODSEQ')) session.hasCondstore = true
  return [...new Set(names)]
}

/** The response of STATUS; `undefined` if the mailbox does not exist. */
export async function statusLine(
  session: Session,
  name: string,
  items: readonly string[]
): Promise<string | undefined> {
  const mailbox = session.mail.state(name)
  if (!mailbox) return undefined
  await mailbox.sync()
  const row = mailbox.row()
  const counts = session.mail.index.counts(mailbox.id)
  const values = items.map(item => `${item} ${statusItems[item]?.(row, counts)}`)
  return `* STATUS ${quoteMailbox(mailbox.name)} (${values.join(' ')})`
}

/** The flags in a list, or one flag. Throws `BadCommand` for invalid words. */
export function flagNames(tokens: readonly Token[]): string[] {
  const names = tokens.map(token => {
    if (isList(token) || token === null || token.kind !== 'atom' || token.section)
      throw new BadCommand('a flag is invalid')
    return token.value
  })
  const system = /^\\(seen|answered|flagged|deleted|draft|recent)$/i
  if (names.some(name => name.startsWith('\\') && !system.test(name))) throw new BadCommand('a flag is unknown')
  // Clients cannot set \Recent.
  return names.filter(name => name.toLowerCase() !== '\\recent')
}
