import { version } from '../version.js'
import { type Command, optionsOf } from './command.js'
import type { OptionSpec } from './specs.js'

/** Name of the program. */
export const program = 'fastn-net'

/** Emphasis of a heading, if the output has colours. */
export type Emphasis = (text: string) => string

/** Help of the program. */
export function programHelp(commands: readonly Command[], strong: Emphasis): string {
  return [
    `${program} ${version}: reach peers by their public key, through NATs`,
    '',
    `${strong('Usage:')} ${program} COMMAND [OPTIONS]`,
    '',
    strong('Commands:'),
    ...table(commands.map(({ name, summary }) => [name, summary])),
    '',
    strong('Options:'),
    ...table([
      ['-h, --help', 'Print this help, or the help of a command.'],
      ['-V, --version', 'Print the version.']
    ]),
    '',
    `Help of a command, with examples: ${program} COMMAND --help`
  ].join('\n')
}

/** Help of a command. */
export function commandHelp(command: Command, strong: Emphasis): string {
  const specs = command.arguments ?? []
  const commands = command.commands ?? []
  const usage = specs.map(({ name, optional }) => (optional === true ? ` [${name}]` : ` ${name}`)).join('')
  const lines = [command.summary, '', `${strong('Usage:')} ${program} ${command.name}${usage} [OPTIONS]`, '']
  if (command.description !== undefined) lines.push(command.description, '')
  if (commands.length > 0) {
    const rows = commands.map(({ name, summary }): [string, string] => [name.slice(command.name.length + 1), summary])
    lines.push(strong('Commands:'), ...table(rows), '')
  } else if (specs.length > 0) {
    lines.push(strong('Arguments:'), ...table(specs.map(({ name, help }) => [name, help])), '')
  }
  lines.push(strong('Options:'), ...table(Object.entries(optionsOf(command)).map(row)), '')
  lines.push(strong('Examples:'))
  for (const [line, what] of command.examples) lines.push(`  # ${what}`, `  ${line}`)
  return lines.join('\n')
}

function row([name, spec]: [string, OptionSpec]): [string, string] {
  const short = spec.short === undefined ? '    ' : `-${spec.short}, `
  const value = spec.value === undefined ? '' : ` ${spec.value}`
  const notes = [
    ...(spec.choices === undefined ? [] : [`One of ${spec.choices.join(', ')}.`]),
    ...(spec.multiple === true ? ['May be repeated.'] : [])
  ]
  return [`${short}--${name}${value}`, [spec.help, ...notes].join(' ')]
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
