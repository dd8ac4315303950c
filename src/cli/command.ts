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
  /** Commands of a group, whose names begin with that of the group. The group itself runs nothing: see {@link group}. */
  readonly commands?: readonly Command[]
  /** Runs the command. Resolves with the exit status; nothing is 0. */
  run(context: Context): Promise<number | undefined>
}

/** A command that is a group of others. Its first argument says which; its options are those of all. */
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
