import { join } from 'node:path'
import { rigHome } from '../../rig/index.js'
import type { Context } from '../context.js'
import { CliError } from '../failure.js'
import type { OptionSpecs } from '../specs.js'
import { askRig } from './control-file.js'

/** Option of all rig commands. */
export const homeOption: OptionSpecs = {
  home: { help: "Folder of the rig. Default: FASTN_HOME, else the platform's data folder.", value: 'FOLDER' }
}

/** The folder of the rig. */
export function homeOf({ args }: Context): string {
  return rigHome(args.text('home'))
}

/** The configuration of a rig. */
export function configOf(home: string): string {
  return join(home, 'rig.toml')
}

/** The file with the online and current identities. */
export function stateOf(home: string): string {
  return join(home, 'rig', 'state.json')
}

/**
 * Makes a running rig of the home apply a change. Returns whether it did. A rig that is stopped or unreachable detects the change
 * itself.
 */
export async function applyNow(home: string): Promise<boolean> {
  try {
    await askRig(home, { op: 'reload' })
    return true
  } catch (error) {
    if (error instanceof CliError && ['ERR_NOT_RUNNING', 'ERR_CONTROL'].includes(error.code)) return false
    throw error
  }
}
