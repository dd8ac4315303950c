import type { Account } from '../../account/index.js'
import { FastnNetError } from '../../index.js'
import type { Rig } from '../../rig/index.js'
import { revokeInvitations, shownInvitations } from './invitations.js'

/** A request of a command to the running rig. Commands of other versions may send other requests. */
interface Asked {
  readonly op?: unknown
  readonly entity?: string
  readonly name?: string
  readonly groups?: readonly string[]
  readonly uses?: number
  readonly expiresIn?: number
  readonly text?: string
  readonly id52?: string
}

/** Handles a request of a command of this user. */
export async function doFor(rig: Rig, request: unknown, reload: () => Promise<unknown>): Promise<unknown> {
  const asked = (typeof request === 'object' && request !== null ? request : {}) as Asked
  switch (asked.op) {
    case 'reload':
      return (await reload()) ?? null
    case 'status':
      return rig.status()
    case 'invite': {
      const { name = '', groups, uses, expiresIn } = asked
      const account = accountOf(rig, asked)
      const invitation = await withGroups(account, asked, () => account.invite({ name, groups, uses, expiresIn }))
      return { ...invitation, taken: Object.hasOwn(account.data.aliases, name) }
    }
    case 'accept': {
      const { name = '', groups, text = '' } = asked
      const account = accountOf(rig, asked)
      const before = account.data.aliases
      const alias = await withGroups(account, asked, () => account.redeem(text, { name, groups }))
      return { alias, known: Object.hasOwn(before, alias) }
    }
    case 'invitations':
      return shownInvitations(accountOf(rig, asked))
    case 'revoke':
      return await revokeInvitations(accountOf(rig, asked), asked.name ?? '')
    case 'queue':
      return queueOf(rig)
    case 'add-device': {
      const { name = '', id52 = '' } = asked
      await accountOf(rig, asked).addDevice(id52, { name })
      return { id52 }
    }
    case 'forget':
      return await forget(accountOf(rig, asked), asked.name ?? '')
    default:
      throw new FastnNetError('ERR_INVALID_ARGUMENT', 'the running rig has another version: restart it')
  }
}

/** The requested account, or the current one. */
function accountOf(rig: Rig, { entity }: Asked): Account {
  const named = entity ?? rig.status().current
  const account = rig.account(named)
  if (account !== undefined && rig.endpoint(named)?.id52 !== rig.id52) return account
  const why =
    account === undefined ? 'is offline: fastn-net rig set-online' : 'is the rig, whose account has only the owner'
  throw new FastnNetError('ERR_INVALID_ARGUMENT', `${named} ${why}`)
}

/** Runs an action after creating missing groups of the request. Removes them if it fails. */
async function withGroups<T>(account: Account, { name = '', groups = [] }: Asked, act: () => Promise<T>): Promise<T> {
  if (groups.includes(name))
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `'${name}' cannot be the name of a peer and of a group`)
  const missing = groups.filter(group => !Object.hasOwn(account.data.groups, group))
  if (missing.length === 0) return await act()
  await account.update(draft => {
    for (const group of missing) draft.groups[group] ??= []
  })
  try {
    return await act()
  } catch (error) {
    await account.update(draft => {
      for (const group of missing) if (draft.groups[group]?.length === 0) delete draft.groups[group]
    })
    throw error
  }
}

/** Queued mails. */
function queueOf(rig: Rig): readonly unknown[] {
  const mail = rig.services.running.find(({ service }) => service.queue !== undefined)
  if (mail?.service.queue !== undefined) return mail.service.queue()
  throw new FastnNetError('ERR_INVALID_ARGUMENT', 'the rig has no mail: add [mail] to its configuration')
}

/** Removes the alias or device with a name, and invitations of the alias. Its access ends immediately. */
async function forget(account: Account, name: string): Promise<{ peer: string; kind: 'alias' | 'device' }> {
  const { aliases, devices } = account.data
  const device = Object.entries(devices).find(([id52, known]) => known.name === name || id52 === name)?.[0]
  if (device !== undefined) {
    await account.removeDevice(device)
    return { peer: device, kind: 'device' }
  }
  const alias = Object.hasOwn(aliases, name) ? aliases[name] : undefined
  if (alias === undefined)
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `the account has no alias or device '${name}'`)
  for (const [id, invitation] of Object.entries(account.data.invitations))
    if (invitation.name === name || invitation.redeemed.includes(alias.id52)) await account.revokeInvitation(id)
  await account.update(draft => {
    delete draft.aliases[name]
    for (const [group, members] of Object.entries(draft.groups))
      draft.groups[group] = members.filter(each => each !== name)
    draft.rules = draft.rules.flatMap(rule => {
      const who = typeof rule.who === 'string' ? rule.who : rule.who.filter(each => each !== name)
      return who === name || who.length === 0 ? [] : [{ ...rule, who }]
    })
  })
  return { peer: alias.id52, kind: 'alias' }
}
