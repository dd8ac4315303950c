import type { Context } from '../context.js'
import type { OptionSpecs } from '../specs.js'
import { askRig } from './control-file.js'
import { homeOf, homeOption } from './home.js'

/** Options of account commands. */
export const accountOptions: OptionSpecs = {
  ...homeOption,
  entity: { help: 'The account: ID52 or name. Default: the current entity.', value: 'ENTITY' }
}

/** Sends a request about an account to the running rig, which holds the account open. */
export async function askAccount<Result>(context: Context, request: object): Promise<Result> {
  const entity = context.args.text('entity')
  return (await askRig(homeOf(context), { ...request, entity })) as Result
}
