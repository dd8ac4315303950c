import { printable } from '../util/display.js'
import { invalid } from '../util/validate.js'
import type { AccountData, Alias, Who } from './data.js'
import { isName } from './names.js'

type Groups = Readonly<Record<string, readonly string[]>>
type Aliases = Readonly<Record<string, Alias>>

/**
 * Checks that groups name known members, and that no group contains itself.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`; the message shows the cycle.
 */
export function checkGroups(groups: Groups, aliases: Aliases): void {
  for (const [name, members] of Object.entries(groups)) {
    for (const member of members) {
      if (!isName(member) || Object.hasOwn(aliases, member) || Object.hasOwn(groups, member)) continue
      throw invalid(`account.groups.${name}`, `of known members: there is no alias and no group '${printable(member)}'`)
    }
  }
  const done = new Set<string>()
  for (const start of Object.keys(groups)) walk(start, groups, done)
}

/** Depth first, without recursion: groups may be nested as deeply as there are groups. */
function walk(start: string, groups: Groups, done: Set<string>): void {
  const trail: { name: string; next: number }[] = [{ name: start, next: 0 }]
  const open = new Set([start])
  for (let top = trail.at(-1); top !== undefined; top = trail.at(-1)) {
    const member = groups[top.name]?.[top.next++]
    if (member === undefined) {
      done.add(top.name)
      open.delete(top.name)
      trail.pop()
    } else if (Object.hasOwn(groups, member) && !done.has(member)) {
      if (open.has(member)) {
        const names = trail.map(({ name }) => name)
        const cycle = [...names.slice(names.indexOf(member)), member].join(' → ')
        throw invalid('account.groups', `without a cycle: ${cycle}`)
      }
      open.add(member)
      trail.push({ name: member, next: 0 })
    }
  }
}

/** Resolves names, groups and ID52s to ID52s. Groups have no cycles. */
export function membersOf(data: AccountData, names: readonly string[]): Set<string> {
  const found = new Set<string>()
  const seen = new Set<string>()
  const rest = [...names]
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    if (!isName(name)) found.add(name)
    else if (Object.hasOwn(data.aliases, name)) found.add((data.aliases[name] as Alias).id52)
    else if (Object.hasOwn(data.groups, name))
      for (const member of data.groups[name] as readonly string[]) rest.push(member)
  }
  return found
}

/** ID52s that a rule applies to; `undefined` for everyone. */
export function peersOf(data: AccountData, who: Who): Set<string> | undefined {
  if (who === 'everyone') return undefined
  if (who === 'devices') return new Set(Object.keys(data.devices))
  return membersOf(data, typeof who === 'string' ? [who] : who)
}

/** Names of a peer, in the order of the account's aliases. */
export function namesOf(data: AccountData, id52: string): readonly string[] {
  return indexOf(data).names.get(id52) ?? []
}

/** Names of the groups that a peer is in, directly or through other groups. Sorted. */
export function groupsOf(data: AccountData, id52: string): string[] {
  const { parents } = indexOf(data)
  const found = new Set<string>()
  const rest = [id52, ...namesOf(data, id52)]
  for (let member = rest.pop(); member !== undefined; member = rest.pop()) {
    for (const group of parents.get(member) ?? []) {
      if (!found.has(group)) rest.push(group)
      found.add(group)
    }
  }
  return [...found].sort()
}

interface Index {
  /** Aliases by ID52. */
  readonly names: ReadonlyMap<string, readonly string[]>
  /** Groups by member. */
  readonly parents: ReadonlyMap<string, readonly string[]>
}

/** Cached, because a router identifies the peer of each request. Account data is replaced, never mutated. */
const indexes = new WeakMap<AccountData, Index>()

function indexOf(data: AccountData): Index {
  let index = indexes.get(data)
  if (index === undefined) {
    const aliases = Object.entries(data.aliases).map(([name, { id52 }]): [string, string] => [id52, name])
    const groups = Object.entries(data.groups)
    const members = groups.flatMap(([group, each]) => each.map((member): [string, string] => [member, group]))
    index = { names: gathered(aliases), parents: gathered(members) }
    indexes.set(data, index)
  }
  return index
}

function gathered(pairs: readonly (readonly [key: string, value: string])[]): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const [key, value] of pairs) {
    const values = found.get(key)
    if (values === undefined) found.set(key, [value])
    else values.push(value)
  }
  return found
}
