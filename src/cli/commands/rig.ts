import { type Command, group } from '../command.js'
import { addDevice, forget } from '../rig-commands/account-commands.js'
import {
  createAccountCommand,
  entities,
  init,
  setCurrentCommand,
  setOnlineCommand
} from '../rig-commands/home-commands.js'
import { importCommand } from '../rig-commands/import.js'
import { acceptInvitation, invitations, invite, revoke } from '../rig-commands/invitation-commands.js'
import { mailPassword } from '../rig-commands/password.js'
import { queue } from '../rig-commands/queue.js'
import { run } from '../rig-commands/run.js'
import { status } from '../rig-commands/status.js'

/** Runs accounts and services of this machine in one process. */
export const rig: Command = group(
  'rig',
  'Run accounts and services of this machine in one process.',
  'A rig is a folder, FASTN_HOME or --home, with keys, accounts and the configuration, rig.toml.',
  [
    init,
    run,
    status,
    entities,
    createAccountCommand,
    setOnlineCommand,
    setCurrentCommand,
    invite,
    acceptInvitation,
    invitations,
    revoke,
    addDevice,
    forget,
    mailPassword,
    queue,
    importCommand
  ]
)
