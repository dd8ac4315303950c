import { holdLease } from '../../account/index.js'
import { type RigChanges, type RigStatus, reloadRig, rigEntities, rigStatus } from '../../rig/index.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { withEndpoint } from '../endpoint.js'
import { CliError, UsageError } from '../failure.js'
import { endpointOptions } from '../specs.js'
import { formatTime } from '../units.js'
import { askRig } from './control-file.js'
import { homeOf, homeOption } from './home.js'

const { malai: _, ...dialling } = endpointOptions

/** Shows the status of a rig. */
export const status: Command = {
  name: 'rig status',
  summary: 'Show identities, services and the last change.',
  description:
    "Works for a stopped rig too. --rig queries a rig on another machine, from a device of its owner's account. Add the device\n" +
    'there with fastn-net rig add-device, and pass both identities as printed by fastn-net rig run.',
  options: {
    ...homeOption,
    rig: { help: 'Query a rig on another machine: its ticket or ID52.', value: 'PEER' },
    account: { help: 'The account that owns it and has this device: ticket or ID52.', value: 'PEER' },
    reload: { help: 'Make the rig apply its files first.' },
    ...dialling
  },
  examples: [
    ['fastn-net rig status', 'The rig of this machine.'],
    ['fastn-net rig status --rig RIG --account OWNER --key device.key', 'The rig of another machine.']
  ],
  async run(context) {
    const { args } = context
    if (args.text('rig') !== undefined) return await ofPeer(context, args.text('rig') ?? '')
    if (args.has('account')) throw new UsageError('--account needs --rig')
    const home = homeOf(context)
    const { id52, owner, current, entities } = await rigEntities({ home })
    try {
      if (args.has('reload')) await printChanges(context, (await askRig(home, { op: 'reload' })) as RigChanges)
      return await print(context, (await askRig(home, { op: 'status' })) as RigStatus)
    } catch (error) {
      if (!(error instanceof CliError) || error.code !== 'ERR_NOT_RUNNING') throw error
    }
    if (args.has('reload')) throw new UsageError('--reload needs a running rig')
    const { output } = context
    await output.text(`Home: ${home}\nRig ID52: ${id52}\nOwner: ${owner}\nCurrent entity: ${current}\nNot running\n`)
    const online = entities.filter(entity => entity.online).length
    await output.event({
      event: 'rig',
      running: false,
      home,
      id52,
      owner,
      current,
      identities: entities.length,
      online
    })
    return undefined
  }
}

/** Queries a rig on another machine. */
async function ofPeer(context: Context, rig: string): Promise<undefined> {
  const { args, signal } = context
  const account = args.text('account')
  await withEndpoint(context, async endpoint => {
    const lease = account === undefined ? undefined : await holdLease(endpoint, account, { signal })
    try {
      const asking = async () => {
        if (args.has('reload')) await printChanges(context, await reloadRig(endpoint, rig, { signal, timeout: 60_000 }))
        return await rigStatus(endpoint, rig, { signal })
      }
      await print(context, lease === undefined ? await asking() : await lease.use(rig, asking, { signal }))
    } finally {
      await lease?.close()
    }
  })
}

async function printChanges({ output }: Context, changes: RigChanges): Promise<void> {
  const { online, offline, started, stopped, kept } = changes
  await output.event({ event: 'reloaded', online, offline, started, stopped, kept })
}

async function print({ output }: Context, status: RigStatus): Promise<undefined> {
  const { id52, owner, current, version, started, time, identities, services, health, applied } = status
  const seconds = Math.round((time - started) / 1000)
  await output.text(`Rig ID52: ${id52}\nOwner: ${owner}\nCurrent entity: ${current}\n`)
  await output.text(
    `Running for ${formatTime(seconds)}, version ${version}${health === null ? '' : `, health ${health}`}\n`
  )
  if (applied.error !== null) await output.text(`The last change was rejected: ${applied.error}\n`)
  await output.event({ event: 'rig', running: true, id52, owner, current, version, seconds, health, applied })
  for (const identity of identities) {
    const { kind, name, running, peers } = identity
    const words = [identity.id52, `(${kind})`, ...(kind === 'rig' || name === null ? [] : [name])]
    const line = `${words.join(' ')} ${running ? `ONLINE, ${peers} peers` : 'OFFLINE'}`
    await output.result(line, { event: 'identity', ...identity })
  }
  for (const service of services) {
    const { name, kind, address, connections, queued, ending } = service
    const mails = queued === null ? '' : `, ${queued} queued`
    const line = `${name} ${kind} ${address}, ${connections} in progress${mails}${ending ? ', ending' : ''}`
    await output.result(line, { event: 'service', ...service })
  }
  return undefined
}
