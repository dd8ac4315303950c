export { RigConfigError } from './config-error.js'
