import type { Command } from '../command.js'
import { accountOptions, askAccount } from './account.js'

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
    const { id52 } = await askAccount<{ id52: string }>(context, request)
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
    const { peer, kind } = await askAccount<{ peer: string; kind: string }>(context, {
      op: 'forget',
      name: args.required(0)
    })
    await output.result(`forgotten: ${kind} ${peer}`, { event: 'forgotten', name: args.required(0), peer, kind })
    return undefined
  }
}
