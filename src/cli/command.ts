import type { Context } from './context.js'
import { type ArgumentSpec, commonOptions, type OptionSpecs } from './specs.js'

/** A command of the program: source of help, completions and docs. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Further lines of the help. */
  readonly description?: string
  readonly arguments?: readonly ArgumentSpec[]
  /** Options besides {@link commonOptions}. */
  readonly options?: OptionSpecs
  /** Example command lines with descriptions. */
  readonly examples: readonly (readonly [line: string, what: string])[]
  /** Commands of a group, whose names begin with the group's name. The group itself is not runnable: see {@link group}. */
  readonly commands?: readonly Command[]
  /** Runs the command. Resolves with the exit status; `undefined` is 0. */
  run(context: Context): Promise<number | undefined>
}

/** A group of commands. The first argument selects the command; the options are those of all. */
export function group(name: string, summary: string, description: string, commands: readonly Command[]): Command {
  const names = commands.map(command => command.name.slice(name.length + 1))
  return {
    name,
    summary,
    description,
    arguments: [{ name: 'COMMAND', help: `One of ${names.join(', ')}.`, choices: names }],
    options: Object.assign({}, ...commands.map(command => command.options)),
    examples: commands.flatMap(({ examples }) => examples.slice(0, 1)),
    commands,
    run: async () => undefined
  }
}

/** All options of a command. */
export function optionsOf(command: Command): OptionSpecs {
  return { ...command.options, ...commonOptions }
}
