import { type FlagChange, flagsOf } from '../../store/flags.js'
import type { MailboxState } from '../../store/mailbox-state.js'
import {
  type CopiedMessage,
  changeFlags,
  copyMessages,
  expunge as expungeMessages,
  moveMessages
} from '../../store/messages.js'
import { atomOf, expectCount, isList, listOf, mailboxOf, numberOf, textOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { parseDateTime } from '../format.js'
import type { ReadCommand } from '../read-command.js'
import { Refused } from '../refused.js'
import type { Session } from '../session.js'
import { formatSet, parseSet } from '../sets.js'
import type { View } from '../view.js'
import { flagNames } from './select.js'

export async function append(session: Session, { args, spooled }: ReadCommand): Promise<string> {
  expectCount(args, 2, 4)
  if (!spooled) throw new BadCommand('the message is a literal')
  const middle = args.slice(1, -1)
  const flags = isList(middle[0]) ? flagsOf(flagNames(middle[0])) : flagsOf([])
  const date = isList(middle[0]) ? middle[1] : middle[0]
  if (middle.length === 2 && !isList(middle[0])) throw new BadCommand('flags are a list')
  const received = date === undefined ? Date.now() : parseDateTime(textOf(date))
  if (received === undefined) throw new BadCommand('the date is invalid')
  if (spooled.bytes === 0) throw new Refused('the message is empty')
  const mailbox = target(session, args[0])
  const uid = await session.mail.append(mailbox, spooled.file, flags, received)
  return `OK [APPENDUID ${mailbox.uidValidity} ${uid}] APPEND completed`
}

/** The target mailbox. Throws `Refused` with TRYCREATE if it does not exist. */
function target(session: Session, token: Token | undefined): MailboxState {
  const mailbox = session.mail.state(mailboxOf(token))
  if (!mailbox) throw new Refused('the mailbox does not exist', 'TRYCREATE')
  return mailbox
}

export async function store(session: Session, { name, args }: Command): Promise<string> {
  const isUid = name.startsWith('UID')
  const [set, ...rest] = args
  const hasModifier = isList(rest[0])
  const unchangedSince = hasModifier ? unchangedSinceOf(session, listOf(rest[0])) : undefined
  const [item, ...values] = hasModifier ? rest.slice(1) : rest
  const view = session.writable
  const action = /^([+-]?)FLAGS(\.SILENT)?$/.exec(atomOf(item))
  if (!action || values.length === 0) throw new BadCommand('STORE takes FLAGS, +FLAGS or -FLAGS and flags')
  const how: FlagChange = action[1] === '+' ? 'add' : action[1] === '-' ? 'remove' : 'set'
  const flags = flagsOf(flagNames(isList(values[0]) && values.length === 1 ? values[0] : values))
  const uids = view.resolve(parseSet(textOf(set)), isUid)
  const result = await changeFlags(view.store, view.mailbox, uids, { how, flags, unchangedSince })
  view.known(result.modseq)
  const isSilent = action[2] !== undefined
  const isTold = new Set(result.rows.map(({ uid }) => uid))
  for (const row of result.rows) {
    if (!isSilent) view.tellMessage(session.output, row, session.hasCondstore)
    else if (session.hasCondstore)
      session.output.line(`* ${view.numberOf(row.uid)} FETCH (UID ${row.uid} MODSEQ (${row.modseq}))`)
    await session.output.flushIfFull()
  }
  const refused = isUid ? result.refused : result.refused.map(uid => view.numberOf(uid))
  if (refused.length > 0) return `OK [MODIFIED ${formatSet(refused)}] some have changed`
  const isGone = uids.some(uid => !isTold.has(uid))
  if (isGone && !isUid) throw new Refused('some messages were removed', 'EXPUNGEISSUED')
  return 'OK STORE completed'
}

function unchangedSinceOf(session: Session, modifier: readonly Token[]): number {
  if (modifier.length !== 2 || atomOf(modifier[0]) !== 'UNCHANGEDSINCE')
    throw new BadCommand('the modifier is not supported')
  session.hasCondstore = true
  return numberOf(modifier[1])
}

export async function copy(session: Session, command: Command): Promise<string> {
  const { view, uids, mailbox } = copyArguments(session, command, session.selected)
  const copied = await copyMessages(view.store, view.mailbox, uids, mailbox)
  return copied.length === 0 ? 'OK nothing to copy' : `OK ${copyUid(mailbox, copied)} COPY completed`
}

export async function move(session: Session, command: Command): Promise<string> {
  const { view, uids, mailbox } = copyArguments(session, command, session.writable)
  const moved = await moveMessages(view.store, view.mailbox, uids, mailbox)
  // RFC 6851: the UIDs first, then the removals.
  if (moved.length > 0) session.output.line(`* OK ${copyUid(mailbox, moved)} moved`)
  await session.sync(true)
  return 'OK MOVE completed'
}

function copyArguments(session: Session, { name, args }: Command, view: View) {
  expectCount(args, 2)
  const uids = view.resolve(parseSet(textOf(args[0])), name.startsWith('UID'))
  return { view, uids, mailbox: target(session, args[1]) }
}

function copyUid(mailbox: MailboxState, copied: readonly CopiedMessage[]): string {
  return `[COPYUID ${mailbox.uidValidity} ${formatSet(copied.map(({ from }) => from))} ${formatSet(copied.map(({ to }) => to))}]`
}

export async function expunge(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  const view = session.writable
  await expungeMessages(view.store, view.mailbox, [...view.uids])
  await session.sync(true)
  return 'OK EXPUNGE completed'
}

export async function uidExpunge(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1)
  const view = session.writable
  await expungeMessages(view.store, view.mailbox, view.resolve(parseSet(textOf(args[0])), true))
  await session.sync(true)
  return 'OK UID EXPUNGE completed'
}

export async function close(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  const view = session.selected
  session.view = undefined
  if (!view.isReadOnly) await expungeMessages(view.store, view.mailbox, [...view.uids])
  return 'OK CLOSE completed'
}
