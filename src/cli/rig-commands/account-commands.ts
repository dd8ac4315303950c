import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { CliError } from '../failure.js'
import type { OptionSpecs } from '../specs.js'
import { control, rigIn } from '../status/programs.js'
import { parseCount, parseTime } from '../units.js'
import { homeOf, homeOption } from './home.js'

const accountOptions: OptionSpecs = {
  ...homeOption,
  entity: { help: 'The account: ID52 or name. Default: the current entity.', value: 'ENTITY' }
}

const groupOption: OptionSpecs = {
  group: {
    help: 'Add the peer to this group, and create the group if needed.',
    value: 'GROUP',
    short: 'g',
    multiple: true
  }
}

/** Lets the rig that runs do something with an account, which it alone has open. */
async function ask<Result>(context: Context, request: object): Promise<Result> {
  const home = homeOf(context)
  const running = await rigIn(home)
  if (running === undefined) {
    const message = `the rig in '${home}' does not run: fastn-net rig run`
    throw new CliError('ERR_NOT_RUNNING', message)
  }
  const entity = context.args.text('entity')
  return (await control(running, { ...request, entity })) as Result
}

/** Invites a peer to an account. */
export const invite: Command = {
  name: 'rig invite',
  summary: 'Print an invitation to an account, for a peer.',
  description:
    'Send it over a trusted channel: it contains a secret. The peer runs fastn-net rig accept. The account then knows it by\n' +
    'NAME, and the peer knows the account. The rig must run.',
  arguments: [{ name: 'NAME', help: 'Alias for the peer.' }],
  options: {
    ...accountOptions,
    ...groupOption,
    uses: { help: 'How many peers may accept it. Default: 1.', value: 'COUNT' },
    expires: { help: 'How long it is valid, at most 366 days. Default: 168h, 7 days.', value: 'TIME' }
  },
  examples: [['fastn-net rig invite alice --group friends', 'For one person, within a week.']],
  async run(context) {
    const { args, output } = context
    const [uses, expires] = [args.text('uses'), args.text('expires')]
    const { text, id, until } = await ask<{ text: string; id: string; until: number }>(context, {
      op: 'invite',
      name: args.required(0),
      groups: args.list('group'),
      ...(uses !== undefined && { uses: parseCount(uses, '--uses') }),
      ...(expires !== undefined && { expiresIn: parseTime(expires, '--expires') })
    })
    await output.result(text, { event: 'invitation', text, id, until })
    output.hint(`It expires at ${new Date(until).toISOString()}. To accept it: fastn-net rig accept NAME TEXT`)
    return undefined
  }
}

/** Accepts an invitation. */
export const acceptInvitation: Command = {
  name: 'rig accept',
  summary: 'Accept an invitation. Both accounts then know each other.',
  description: 'The rig must run.',
  arguments: [
    { name: 'NAME', help: 'Alias for the inviting peer.' },
    { name: 'TEXT', help: 'The invitation.' }
  ],
  options: { ...accountOptions, ...groupOption },
  examples: [['fastn-net rig accept bob TEXT --group friends', 'An invitation from Bob.']],
  async run(context) {
    const { args, output } = context
    const request = { op: 'accept', name: args.required(0), text: args.required(1), groups: args.list('group') }
    const { alias } = await ask<{ alias: string }>(context, request)
    await output.result(`accepted: ${alias}`, { event: 'accepted', alias })
    return undefined
  }
}

/** Adds a device to an account. */
export const addDevice: Command = {
  name: 'rig add-device',
  summary: 'Let a device act for an account, and control the rig if the account owns it.',
  description:
    'The device has its own key and gets leases from the account: see fastn-net rig status --rig. The rig must run.',
  arguments: [
    { name: 'NAME', help: 'Name of the device.' },
    { name: 'ID52', help: 'Its public key.' }
  ],
  options: accountOptions,
  examples: [['fastn-net rig add-device laptop ID52', 'fastn-net id prints ID52 on the laptop.']],
  async run(context) {
    const { args, output } = context
    const request = { op: 'add-device', name: args.required(0), id52: args.required(1) }
    const { id52 } = await ask<{ id52: string }>(context, request)
    await output.result(`device added: ${id52}`, { event: 'device', name: args.required(0), id52 })
    return undefined
  }
}

/** Forgets a peer or a device. */
export const forget: Command = {
  name: 'rig forget',
  summary: 'Remove a peer or a device from an account, and revoke its permissions.',
  description: 'Other peers accept the lease of a device until it expires, within an hour. The rig must run.',
  arguments: [{ name: 'NAME', help: 'Name of the peer or device.' }],
  options: accountOptions,
  examples: [['fastn-net rig forget alice', 'Revoke all access of Alice.']],
  async run(context) {
    const { args, output } = context
    const { peer, kind } = await ask<{ peer: string; kind: string }>(context, { op: 'forget', name: args.required(0) })
    await output.result(`forgotten: ${kind} ${peer}`, { event: 'forgotten', name: args.required(0), peer, kind })
    return undefined
  }
}
