import { FastnNetError } from '../errors.js'
import { printable } from '../util/display.js'

/** An invalid value in the configuration of a rig. Its code is `ERR_INVALID_ARGUMENT`; the message names the key and the nearest known one. */
export class RigConfigError extends FastnNetError {
  /** Keys from the root of the configuration to the wrong value, such as `['services', 'web', 'port']`. */
  readonly path: readonly string[]

  /** Creates an error. For the library only. */
  constructor(path: readonly string[], problem: string) {
    super('ERR_INVALID_ARGUMENT', printable(problem))
    this.path = path
  }
}
