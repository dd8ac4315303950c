import { FastnNetError } from '../errors.js'
import { idOfOne } from '../keys/peer.js'
import { printable } from '../util/display.js'
import { checkOptions, invalid, type OptionNames, positive, stringArray } from '../util/validate.js'
import {
  type AccountData,
  type AccountDraft,
  type AccountRule,
  type Alias,
  bounds,
  type Device,
  type LeaseScope,
  type StoredInvitation,
  type Who
} from './data.js'
import { checkGroups } from './groups.js'
import { checkName, isName } from './names.js'

const dataNames: OptionNames<AccountData> = {
  aliases: true,
  groups: true,
  rules: true,
  devices: true,
  invitations: true
}
const aliasNames: OptionNames<Alias> = { id52: true, addresses: true, relays: true }
const ruleNames: OptionNames<AccountRule> = { who: true, protocol: true, service: true, effect: true }
const deviceNames: OptionNames<Device> = { name: true, scope: true }
const invitationNames: OptionNames<StoredInvitation> = {
  name: true,
  groups: true,
  uses: true,
  until: true,
  redeemed: true
}

/**
 * Checks the data of an account, and returns it with every ID52 in its lower-case form.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, `ERR_PEER_ADDRESS`; the message names the part.
 */
export function checkData(data: AccountData): AccountDraft {
  checkOptions(data, dataNames, 'account', '{ aliases, groups, rules, devices, invitations }')
  const aliases = entries(data.aliases, 'aliases', bounds.aliases, checkAlias)
  const groups = entries(data.groups, 'groups', bounds.groups, (members, path) =>
    stringArray(members, path).map((member, at) => checkMember(member, `${path}[${at}]`))
  )
  for (const name of Object.keys(groups)) {
    if (Object.hasOwn(aliases, name)) throw invalid(`account.groups.${name}`, 'no alias: rename one of the two')
  }
  checkGroups(groups, aliases)
  if (!Array.isArray(data.rules)) throw invalid('account.rules', 'an array of rules')
  const rules = limited(data.rules as readonly AccountRule[], 'account.rules', bounds.rules)
  const known = (name: string) => Object.hasOwn(aliases, name) || Object.hasOwn(groups, name)
  return {
    aliases,
    groups,
    rules: rules.map((rule, at) => checkRule(rule, `account.rules[${at}]`, known)),
    devices: devicesOf(data.devices),
    invitations: entries(data.invitations, 'invitations', bounds.invitations, checkInvitation, false)
  }
}

function entries<Value, Checked>(
  values: Readonly<Record<string, Value>>,
  kind: string,
  most: number,
  check: (value: Value, path: string) => Checked,
  areNames = true
): Record<string, Checked> {
  if (typeof values !== 'object' || (values as unknown) === null) throw invalid(`account.${kind}`, 'an object')
  const all = limited(Object.entries(values), `account.${kind}`, most)
  // Without a prototype: `toString` is a name like any other.
  const checked: Record<string, Checked> = Object.create(null)
  for (const [name, value] of all) {
    if (areNames) checkName(name, `a name in account.${kind}`)
    checked[name] = check(value, `account.${kind}.${name}`)
  }
  return checked
}

function limited<Value>(values: readonly Value[], path: string, most: number): readonly Value[] {
  if (values.length <= most) return values
  throw new FastnNetError('ERR_TOO_LARGE', `${path} has ${values.length} entries; an account keeps at most ${most}`)
}

function checkAlias(alias: Alias, path: string): Alias {
  const { id52, addresses, relays } = checkOptions(alias, aliasNames, path)
  const [known, by] = [stringArray(addresses, `${path}.addresses`), stringArray(relays, `${path}.relays`)]
  limited(known, `${path}.addresses`, 32)
  limited(by, `${path}.relays`, 32)
  return {
    id52: idOfOne(id52, `${path}.id52`),
    ...(known.length > 0 && { addresses: known }),
    ...(by.length > 0 && { relays: by })
  }
}

/** A name, or an ID52 in its lower-case form. */
function checkMember(member: string, path: string): string {
  return isName(member) ? member : idOfOne(member, path)
}

function checkRule(rule: AccountRule, path: string, known: (name: string) => boolean): AccountRule {
  const { who, ...rest } = checkOptions(rule, ruleNames, path)
  // The endpoint checks the other parts.
  return { who: checkWho(who, `${path}.who`, known), ...rest }
}

/** Checks rules of the program, whose names need not be known yet. */
export function checkProgramRules(rules: readonly AccountRule[]): readonly AccountRule[] {
  if (!Array.isArray(rules)) throw invalid('rules', 'an array of rules')
  limited(rules, 'rules', bounds.rules)
  return Array.from(rules as readonly AccountRule[], (rule, at) => checkRule(rule, `rules[${at}]`, () => true))
}

function checkWho(who: Who, path: string, known: (name: string) => boolean): Who {
  if (who === 'everyone' || who === 'devices') return who
  const list = typeof who === 'string' ? [who] : stringArray(who, path)
  if (list.length === 0) throw invalid(path, "an alias, a group, an ID52, 'devices' or 'everyone'")
  limited(list, path, bounds.members)
  const checked = list.map(one => {
    const member = checkMember(one, path)
    if (!isName(member) || known(member)) return member
    throw invalid(path, `known: there is no alias and no group '${printable(member)}'`)
  })
  return typeof who === 'string' ? (checked[0] as string) : checked
}

function devicesOf(devices: AccountData['devices']): Record<string, Device> {
  const checked = entries(
    devices,
    'devices',
    bounds.devices,
    (device, path) => {
      const { name, scope } = checkOptions(device, deviceNames, path)
      return { name: checkName(name, `${path}.name`), scope: checkScope(scope, `${path}.scope`) }
    },
    false
  )
  return Object.fromEntries(Object.entries(checked).map(([id52, device]) => [idOfOne(id52, 'account.devices'), device]))
}

const scopeText = /^[!#-[\]-~]{1,128}$/

/** Checks the scope of a lease. */
export function checkScope(scope: LeaseScope, path: string): LeaseScope {
  if (scope === '*') return scope
  const list = stringArray(scope, path)
  const isFine = list.length > 0 && list.length <= bounds.scope && list.every(part => scopeText.test(part))
  if (isFine) return list
  throw invalid(path, `'*' or 1 to ${bounds.scope} protocols and services, such as ['Chat', 'service:web']`)
}

function checkInvitation(invitation: StoredInvitation, path: string): StoredInvitation {
  const { name, groups, uses, until, redeemed } = checkOptions(invitation, invitationNames, path)
  if (uses !== 0) positive(uses, `${path}.uses`)
  if (typeof until !== 'number' || Number.isNaN(until)) throw invalid(`${path}.until`, 'a time in milliseconds')
  const by = limited(stringArray(redeemed, `${path}.redeemed`), `${path}.redeemed`, bounds.uses)
  return {
    name: checkName(name, `${path}.name`),
    groups: stringArray(groups, `${path}.groups`).map(group => checkName(group, `${path}.groups`)),
    uses,
    until,
    redeemed: by.map(id52 => idOfOne(id52, `${path}.redeemed`))
  }
}
