import type { Command } from '../command.js'
import type { OptionSpecs } from '../specs.js'
import { parseCount, parseTime } from '../units.js'
import { accountOptions, askAccount } from './account.js'
import { type ShownInvitation, shortId } from './invitations.js'

const groupOption: OptionSpecs = {
  group: {
    help: 'Add the peer to this group, and create the group if needed.',
    value: 'GROUP',
    short: 'g',
    multiple: true
  }
}

/** Invites a peer to an account. */
export const invite: Command = {
  name: 'rig invite',
  summary: 'Print an invitation to an account, for a peer.',
  description:
    'Send it over a trusted channel: it contains a secret. The peer runs fastn-net rig accept. The account then knows it by\n' +
    'NAME, and the peer knows the account. The rig must run.',
  arguments: [{ name: 'NAME', help: 'Alias for the peer. Not the name of a group.' }],
  options: {
    ...accountOptions,
    ...groupOption,
    uses: { help: 'How many peers may accept it. Default: 1.', value: 'COUNT' },
    expires: { help: 'How long it is valid, at most 366 days. Default: 168h, 7 days.', value: 'TIME' }
  },
  examples: [['fastn-net rig invite alice --group friends', 'For one person, within a week.']],
  async run(context) {
    const { args, output } = context
    const [name, uses, expires] = [args.required(0), args.text('uses'), args.text('expires')]
    const made = await askAccount<{ text: string; id: string; until: number; taken: boolean }>(context, {
      op: 'invite',
      name,
      groups: args.list('group'),
      ...(uses !== undefined && { uses: parseCount(uses, '--uses') }),
      ...(expires !== undefined && { expiresIn: parseTime(expires, '--expires') })
    })
    const { text, id, until, taken } = made
    await output.result(text, { event: 'invitation', text, id, until, taken })
    if (taken) output.hint(`The account already has a peer '${name}': another peer that accepts gets '${name}-2'.`)
    output.hint(`It expires at ${new Date(until).toISOString()}. To accept it: fastn-net rig accept NAME TEXT`)
    return undefined
  }
}

/** Accepts an invitation. */
export const acceptInvitation: Command = {
  name: 'rig accept',
  summary: 'Accept an invitation. Both accounts then know each other.',
  description: 'A known peer keeps its alias. The rig must run.',
  arguments: [
    { name: 'NAME', help: 'Alias for the inviting peer. Not the name of a group.' },
    { name: 'TEXT', help: 'The invitation.' }
  ],
  options: { ...accountOptions, ...groupOption },
  examples: [['fastn-net rig accept bob TEXT --group friends', 'An invitation from Bob.']],
  async run(context) {
    const { args, output } = context
    const name = args.required(0)
    const request = { op: 'accept', name, text: args.required(1), groups: args.list('group') }
    const { alias, known } = await askAccount<{ alias: string; known: boolean }>(context, request)
    const how =
      alias === name ? '' : known ? ': the account already knows the peer by this alias' : `: '${name}' is another peer`
    await output.result(`accepted: ${alias}${how}`, { event: 'accepted', alias, known })
    return undefined
  }
}

/** Lists invitations. */
export const invitations: Command = {
  name: 'rig invitations',
  summary: 'List the invitations of an account: alias, id, remaining uses, and the peers that accepted.',
  description: 'An accepted invitation stays listed until it expires or is revoked. The rig must run.',
  options: accountOptions,
  examples: [['fastn-net rig invitations', 'Which invitations are open?']],
  async run(context) {
    const { output } = context
    const found = await askAccount<readonly ShownInvitation[]>(context, { op: 'invitations' })
    for (const each of found) await output.result(lineOf(each), { event: 'invitation', ...each })
    if (found.length === 0) output.hint('There are no invitations.')
    return undefined
  }
}

/** Revokes invitations. */
export const revoke: Command = {
  name: 'rig revoke',
  summary: 'Revoke invitations of an account. Peers that accepted them stay known.',
  description: 'To remove a known peer: fastn-net rig forget. The rig must run.',
  arguments: [
    {
      name: 'INVITATION',
      help: 'Alias of the invitation, or its id: see fastn-net rig invitations.'
    }
  ],
  options: accountOptions,
  examples: [['fastn-net rig revoke alice', 'Revoke all invitations for Alice.']],
  async run(context) {
    const { args, output } = context
    const request = { op: 'revoke', name: args.required(0) }
    const revoked = await askAccount<readonly { id: string; name: string }[]>(context, request)
    for (const { id, name } of revoked)
      await output.result(`revoked: ${name} ${id.slice(0, shortId)}`, { event: 'revoked', name, id })
    return undefined
  }
}

function lineOf({ id, name, groups, uses, until, accepted }: ShownInvitation): string {
  const parts = [
    `${name} ${id.slice(0, shortId)} ${uses === 0 ? 'used' : uses === 1 ? '1 use' : `${uses} uses`}`,
    `until ${new Date(until).toISOString()}`,
    ...(groups.length === 0 ? [] : [`groups ${groups.join(' ')}`]),
    ...(accepted.length === 0 ? [] : [`accepted by ${accepted.map(({ peer, alias }) => alias ?? peer).join(' ')}`])
  ]
  return parts.join(', ')
}
