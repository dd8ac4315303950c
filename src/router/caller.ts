import type { Field } from '../http/head.js'
import type { RouterAccount } from './options.js'
import type { RouterContext } from './target.js'

/** The sender of a request. */
export interface Caller {
  readonly context: RouterContext
  /** Header fields that identify it. */
  readonly fields: readonly Field[]
  /** Names by which a list allows it: its ID52, alias and groups. */
  readonly names: ReadonlySet<string>
}

const localContext: RouterContext = Object.freeze({
  access: 'local',
  peer: undefined,
  alias: undefined,
  groups: Object.freeze([])
})

/** A program on this machine. */
export const localCaller: Caller = { context: localContext, fields: [['fastn-access', 'local']], names: new Set() }

/** The peer that sent a request to a service. */
export function callerOf(
  peer: string,
  service: string,
  account: RouterAccount | undefined,
  self: ReadonlySet<string>
): Caller {
  const known = account?.identify(peer)
  const names = new Set([peer])
  const groups = new Set(known?.groups)
  let alias = known?.alias
  let isSelf = self.has(peer) || known?.device !== undefined
  for (const lease of known?.actsFor ?? []) {
    if (!covers(lease.scope, service)) continue
    const owner = account?.identify(lease.account)
    names.add(lease.account)
    alias ??= owner?.alias
    if (owner?.alias !== undefined) names.add(owner.alias)
    for (const group of owner?.groups ?? []) groups.add(group)
    isSelf ||= self.has(lease.account)
  }
  if (known?.alias !== undefined) names.add(known.alias)
  for (const group of groups) names.add(group)
  const access = isSelf ? 'self' : 'remote'
  const context = Object.freeze({ access, peer, alias, groups: Object.freeze([...groups].sort()) })
  return { context, fields: fieldsOf(context), names }
}

/** Whether a device may use an HTTP service for its account. */
function covers(scope: '*' | readonly string[], service: string): boolean {
  return scope === '*' || scope.includes('Http') || scope.includes(`service:${service}`)
}

function fieldsOf({ access, peer, alias, groups }: RouterContext): Field[] {
  const fields: Field[] = [['fastn-access', access]]
  if (peer !== undefined) fields.push(['fastn-peer', peer])
  if (alias !== undefined) fields.push(['fastn-alias', encoded(alias)])
  if (groups.length > 0) fields.push(['fastn-groups', groups.map(encoded).join(',')])
  return fields
}

/** Percent-encodes a name: header fields are ASCII, names may contain any letter. */
function encoded(name: string): string {
  return encodeURIComponent(name)
}
