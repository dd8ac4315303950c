import type { Context } from './context.js'
import { type ArgumentSpec, commonOptions, type OptionSpecs } from './specs.js'

/** A command of the program. Help, completions and docs are made of it. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Further lines of the help. */
  readonly description?: string
  readonly arguments?: readonly ArgumentSpec[]
  /** Options besides {@link commonOptions}. */
  readonly options?: OptionSpecs
  /** Command lines without the program's name, and what each does. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Runs the command. Resolves with the exit status; nothing is 0. */
  run(context: Context): Promise<number | undefined>
}

/** All options of a command. */
export function optionsOf(command: Command): OptionSpecs {
  return { ...command.options, ...commonOptions }
}
