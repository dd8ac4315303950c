import { separator, specialUses } from '../../store/names.js'
import { encodeUtf7 } from '../../store/utf7.js'
import { atomOf, expectCount, isList, listOf, mailboxOf, textOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { quoteMailbox } from '../format.js'
import { matches } from '../pattern.js'
import { Refused } from '../refused.js'
import type { Session } from '../session.js'
import { statusItemsOf, statusLine } from './select.js'

/** Maximum patterns of one LIST. */
const maxPatterns = 32

/** Return and selection options of LIST (RFC 5258). */
interface ListOptions {
  readonly patterns: readonly string[]
  readonly isSubscribed: boolean
  readonly isSpecialUse: boolean
  /** Include parents of subscribed mailboxes that do not match themselves. */
  readonly isRecursive: boolean
  readonly returnsSubscribed: boolean
  readonly returnsStatus: readonly string[] | undefined
}

const selections = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']
const returns = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE']

export async function list(session: Session, { args }: Command): Promise<string> {
  const options = optionsOf(session, args)
  if (options.patterns.length === 1 && options.patterns[0] === '') {
    session.output.line(`* LIST (\\Noselect) "${separator}" ""`)
    return 'OK LIST completed'
  }
  await session.mail.syncFolders()
  for (const { name, isThere, attributes } of namesFor(session, options)) {
    session.output.line(`* LIST (${attributes.join(' ')}) "${separator}" ${quoteMailbox(name)}`)
    const status = options.returnsStatus && isThere ? await statusLine(session, name, options.returnsStatus) : undefined
    if (status !== undefined) session.output.line(status)
    await session.output.flushIfFull()
  }
  return 'OK LIST completed'
}

function optionsOf(session: Session, args: readonly Token[]): ListOptions {
  const selects = isList(args[0]) ? args[0].map(atomOf) : []
  const left = isList(args[0]) ? args.slice(1) : args
  const isExtended = left.length === 4 && atomOf(left[2]) === 'RETURN'
  if (left.length !== 2 && !isExtended) throw new BadCommand('LIST takes a reference and a pattern')
  const given = isExtended ? listOf(left[3]) : []
  const statusAt = given.findIndex(token => !isList(token) && atomOf(token) === 'STATUS')
  const returnsStatus = statusAt === -1 ? undefined : statusItemsOf(session, given[statusAt + 1])
  const returned = given.filter((_, at) => statusAt === -1 || (at !== statusAt && at !== statusAt + 1)).map(atomOf)
  if (selects.some(name => !selections.includes(name))) throw new BadCommand('a selection is not supported')
  if (returned.some(name => !returns.includes(name))) throw new BadCommand('a return option is not supported')
  const patterns = isList(left[1]) ? left[1].map(textOf) : [textOf(left[1])]
  if (patterns.length > maxPatterns) throw new BadCommand(`LIST takes at most ${maxPatterns} patterns`)
  const reference = textOf(left[0])
  return {
    patterns: patterns.map(pattern => (pattern === '' && patterns.length === 1 ? '' : reference + pattern)),
    isSubscribed: selects.includes('SUBSCRIBED'),
    isSpecialUse: selects.includes('SPECIAL-USE'),
    isRecursive: selects.includes('RECURSIVEMATCH'),
    returnsSubscribed: selects.includes('SUBSCRIBED') || returned.includes('SUBSCRIBED'),
    returnsStatus
  }
}

interface Listed {
  readonly name: string
  readonly isThere: boolean
  readonly attributes: readonly string[]
}

function namesFor(session: Session, options: ListOptions): Listed[] {
  const there = new Set(session.mail.states().map(({ name }) => name))
  const subscribed = new Set(session.mail.subscriptions())
  const all = new Set([...there, ...(options.isSubscribed ? subscribed : [])])
  for (const name of [...all]) for (const above of namesAbove(name)) all.add(above)
  const aboveThere = new Set([...there].flatMap(namesAbove))
  const aboveSubscribed = new Set([...subscribed].flatMap(namesAbove))
  const listed: Listed[] = []
  for (const name of [...all].sort()) {
    const specialUse = specialUses.get(name)
    const hasSubscribedBelow = options.isRecursive && aboveSubscribed.has(name)
    if (options.isSubscribed && !subscribed.has(name) && !hasSubscribedBelow) continue
    if (options.isSpecialUse && (specialUse === undefined || !there.has(name))) continue
    const wire = encodeUtf7(name)
    if (!options.patterns.some(pattern => matches(wire, pattern, separator))) continue
    const attributes = [aboveThere.has(name) ? '\\HasChildren' : '\\HasNoChildren']
    if (!there.has(name)) attributes.unshift(options.isSubscribed ? '\\NonExistent' : '\\Noselect')
    if (specialUse !== undefined && there.has(name)) attributes.push(specialUse)
    if (options.returnsSubscribed && subscribed.has(name)) attributes.push('\\Subscribed')
    listed.push({ name, isThere: there.has(name), attributes })
  }
  return listed
}

/** The parents of a name. */
function namesAbove(name: string): string[] {
  const levels = name.split(separator)
  return levels.slice(1).map((_, at) => levels.slice(0, at + 1).join(separator))
}

export async function lsub(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 2)
  const pattern = textOf(args[0]) + textOf(args[1])
  const subscribed = session.mail.subscriptions()
  const lines = new Map<string, string>()
  for (const name of subscribed) {
    // Report a parent of a subscribed name if `%` stops at it.
    for (const above of pattern.endsWith('%') ? namesAbove(name) : []) {
      if (matches(encodeUtf7(above), pattern, separator)) lines.set(above, '(\\Noselect)')
    }
  }
  for (const name of subscribed) if (matches(encodeUtf7(name), pattern, separator)) lines.set(name, '()')
  for (const [name, attributes] of [...lines].sort()) {
    session.output.line(`* LSUB ${attributes} "${separator}" ${quoteMailbox(name)}`)
  }
  return 'OK LSUB completed'
}

export async function create(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1)
  // A trailing separator announces child mailboxes.
  const name = mailboxOf(args[0]).replace(/\.$/, '')
  await session.mail.syncFolders()
  await session.mail.create(name)
  return 'OK CREATE completed'
}

export async function deleteMailbox(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1)
  await session.mail.syncFolders()
  const name = mailboxOf(args[0])
  if (session.view && session.mail.state(name) === session.view.mailbox) session.view = undefined
  await session.mail.delete(name)
  return 'OK DELETE completed'
}

export async function rename(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 2)
  await session.mail.syncFolders()
  const from = mailboxOf(args[0])
  if (from.toUpperCase() === 'INBOX') throw new Refused('INBOX cannot be renamed', 'CANNOT')
  await session.mail.rename(from, mailboxOf(args[1]))
  return 'OK RENAME completed'
}

export async function subscribe(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1)
  session.mail.subscribe(mailboxOf(args[0]))
  return 'OK SUBSCRIBE completed'
}

export async function unsubscribe(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1)
  session.mail.unsubscribe(mailboxOf(args[0]))
  return 'OK UNSUBSCRIBE completed'
}
