export type { CallSettings } from '../account/account-options.js'
export type { HealthConfig, RigConfig, ServiceConfig } from './config.js'
export { RigConfigError } from './config-error.js'
export { reloadRig, rigStatus } from './control.js'
export {
  createAccount,
  type HomeOptions,
  initRig,
  type RigEntities,
  type RigEntity,
  rigEntities,
  setCurrent,
  setOnline
} from './entities.js'
export { rigHome } from './home.js'
export { type ImportedAccount, type ImportedRig, type ImportOptions, importRig } from './import/import.js'
export type { RigOptions } from './options.js'
export type { MailConfig, MailUserConfig, RouterConfig, RouterTargetConfig } from './part-configs.js'
export { checkRig, Rig, type RigConfigSource, startRig } from './rig.js'
export type { RigApplied, RigChanges, RigIdentityStatus, RigServiceStatus, RigStatus } from './status.js'
