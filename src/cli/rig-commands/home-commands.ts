import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createAccount, initRig, rigEntities, setCurrent, setOnline } from '../../rig/index.js'
import type { Command } from '../command.js'
import { shellWord } from '../quote.js'
import { applyNow, configOf, homeOf, homeOption } from './home.js'
import { template } from './template.js'

/** Initializes a folder as the home of a rig. */
export const init: Command = {
  name: 'rig init',
  summary: 'Create a rig in a folder, with its key and an account.',
  description: 'Uses existing keys in the folder. The rig and the account are online once the rig runs.',
  options: homeOption,
  examples: [
    ['fastn-net rig init', "In FASTN_HOME, or the platform's data folder."],
    ['fastn-net rig init --home my-rig', 'In another folder.']
  ],
  async run(context) {
    const home = homeOf(context)
    const { id52, owner, current } = await initRig({ home })
    const config = configOf(home)
    if (!existsSync(config)) await writeFile(config, template, { mode: 0o600, flag: 'wx' })
    const { output } = context
    await output.text('Rig initialized successfully!\n')
    await output.text(`Home: ${home}\nRig ID52: ${id52}\nOwner: ${owner}\nCurrent entity: ${current}\n`)
    await output.event({ event: 'initialized', home, id52, owner, current, config })
    output.hint(`Services are configured in ${config}. To start it: fastn-net rig run --home ${shellWord(home)}`)
    return undefined
  }
}

/** Lists the identities of a rig. */
export const entities: Command = {
  name: 'rig entities',
  summary: 'List the rig and the accounts: ID52, name, online or offline.',
  options: homeOption,
  examples: [['fastn-net rig entities', 'List all.']],
  async run(context) {
    const { output } = context
    const found = await rigEntities({ home: homeOf(context) })
    for (const entity of found.entities) {
      const { id52, kind, name, online } = entity
      const current = id52 === found.current
      const words = [
        id52,
        `(${kind})`,
        ...(kind === 'rig' || name === null ? [] : [name]),
        online ? 'ONLINE' : 'OFFLINE'
      ]
      const line = `${words.join(' ')}${current ? ' current' : ''}`
      await output.result(line, { event: 'entity', ...entity, current, owner: id52 === found.owner })
    }
    return undefined
  }
}

/** Adds an account. */
export const createAccountCommand: Command = {
  name: 'rig create-account',
  summary: 'Add an account with its own key, initially offline.',
  arguments: [{ name: 'NAME', help: 'Name of the account. Default: none.', optional: true }],
  options: homeOption,
  examples: [['fastn-net rig create-account work', 'A second account. Then: fastn-net rig set-online work true']],
  async run(context) {
    const { output, args } = context
    const home = homeOf(context)
    const entity = await createAccount({ home, name: args.positionals[0] })
    await applyNow(home)
    const { id52, name } = entity
    await output.result(`Account created: ${id52}`, { event: 'account', ...entity })
    output.hint(`It is offline. To bring it online: fastn-net rig set-online ${name ?? id52} true`)
    return undefined
  }
}

/** Brings an identity online or offline. */
export const setOnlineCommand: Command = {
  name: 'rig set-online',
  summary: 'Bring an identity online or offline. Applies to a running rig.',
  arguments: [
    { name: 'ENTITY', help: "ID52, name of an account, or 'rig'." },
    { name: 'ONLINE', help: 'true: online; false: offline.', choices: ['true', 'false'] }
  ],
  options: homeOption,
  examples: [['fastn-net rig set-online work true', 'Bring an account online.']],
  async run(context) {
    const { output, args } = context
    const home = homeOf(context)
    const isOnline = args.positionals[1] === 'true'
    const entity = await setOnline(args.required(0), isOnline, { home })
    const applied = await applyNow(home)
    const line = `Set ${entity.id52} to ${isOnline ? 'ONLINE' : 'OFFLINE'}`
    await output.result(line, { event: 'online', ...entity, applied })
    return undefined
  }
}

/** Sets the current identity. */
export const setCurrentCommand: Command = {
  name: 'rig set-current',
  summary: 'Set the default identity of services. Applies to a running rig.',
  arguments: [{ name: 'ENTITY', help: "ID52, name of an account, or 'rig'." }],
  options: homeOption,
  examples: [['fastn-net rig set-current work', 'Services without identity use this account.']],
  async run(context) {
    const { output, args } = context
    const home = homeOf(context)
    const entity = await setCurrent(args.required(0), { home })
    const applied = await applyNow(home)
    await output.result(`Current entity: ${entity.id52}`, { event: 'current', ...entity, applied })
    return undefined
  }
}
