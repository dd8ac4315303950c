import { atomOf, isList, listOf } from '../args.js'
import { BadCommand, type Command, type Token } from '../command.js'
import { searchKeys, usesModseq } from '../search-keys.js'
import { matchesKey, resolveSets } from '../search-match.js'
import type { Session } from '../session.js'
import { formatSet } from '../sets.js'

/** Results of RETURN (RFC 4731). */
const results = ['MIN', 'MAX', 'ALL', 'COUNT']

/** Messages between yields to other sessions. */
const turn = 200

export async function search(session: Session, { tag, name, args }: Command): Promise<string> {
  const isUid = name.startsWith('UID')
  const view = session.selected
  const returned = returnOptions(args)
  const key = resolveSets(view, searchKeys(returned ? args.slice(2) : args))
  const hasModseq = usesModseq(key)
  if (hasModseq) session.hasCondstore = true
  const found: number[] = []
  let modseq = 0
  for (const [at, uid] of view.uids.entries()) {
    if (at % turn === turn - 1) await new Promise(resolve => setImmediate(resolve))
    const row = view.row(uid)
    if (!row || !(await matchesKey(view, row, key, session.shared.parsed))) continue
    found.push(isUid ? uid : at + 1)
    modseq = Math.max(modseq, row.modseq)
  }
  const suffix = hasModseq && found.length > 0 ? ` (MODSEQ ${modseq})` : ''
  if (!returned) session.output.line(`* SEARCH${found.map(number => ` ${number}`).join('')}${suffix}`)
  else {
    const extended = hasModseq && found.length > 0 ? ` MODSEQ ${modseq}` : ''
    session.output.line(`* ESEARCH (TAG "${tag}")${isUid ? ' UID' : ''}${formatResults(found, returned)}${extended}`)
  }
  return `OK ${name} completed`
}

function returnOptions(args: readonly Token[]): string[] | undefined {
  const [first, options] = args
  if (!first || isList(first) || atomOf(first) !== 'RETURN') return undefined
  const names = listOf(options).map(atomOf)
  if (names.some(name => !results.includes(name))) throw new BadCommand('a result of SEARCH is not supported')
  return names.length === 0 ? ['ALL'] : names
}

function formatResults(found: readonly number[], returned: readonly string[]): string {
  const [first] = found
  const last = found.at(-1)
  const parts: string[] = []
  if (returned.includes('MIN') && first !== undefined) parts.push(` MIN ${first}`)
  if (returned.includes('MAX') && last !== undefined) parts.push(` MAX ${last}`)
  if (returned.includes('ALL') && first !== undefined) parts.push(` ALL ${formatSet(found)}`)
  if (returned.includes('COUNT')) parts.push(` COUNT ${found.length}`)
  return parts.join('')
}
