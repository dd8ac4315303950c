import type { Arguments } from './arguments.js'
import type { Output } from './output.js'

/** Environment of a command. */
export interface Context {
  /** Name of the command. */
  readonly name: string
  readonly args: Arguments
  readonly output: Output
  /** Aborts when the command must end, with the failure to report as the reason. */
  readonly signal: AbortSignal
}
