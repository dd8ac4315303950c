import { type Command, optionsOf } from './command.js'
import { program } from './help.js'
import { quoted } from './quote.js'
import type { OptionSpec } from './specs.js'

/** Shells that completions exist for. */
export const shells = ['bash', 'zsh', 'fish'] as const

const scripts: Readonly<Record<(typeof shells)[number], (commands: readonly Command[]) => string>> = { bash, zsh, fish }

/** The completion script of a shell. It contains all commands and options, so that completion starts no program. */
export function completionScript(shell: string, commands: readonly Command[]): string {
  const lines = scripts[shell as (typeof shells)[number]](commands)
  return `${lines.trim()}\n`
}

/** Whether the value with this placeholder is a path. */
function isPath(placeholder: string | undefined): boolean {
  return /FILE|FOLDER/.test(placeholder ?? '')
}

/** An option as it is typed: `--file`, `-f`. */
function spellings(name: string, { short }: OptionSpec): string[] {
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]
}

function bash(commands: readonly Command[]): string {
  const names = commands.map(({ name }) => name).join(' ')
  return `
# Completions of ${program} for bash: source <(${program} completions bash)
_fastn_net() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${names} --help --version' -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]} $prev" in
${commands.flatMap(bashValues).join('\n')}
  esac
  case "\${COMP_WORDS[1]}/$cur" in
${commands.map(bashWords).join('\n')}
  esac
}
complete -F _fastn_net ${program}`
}

// One name per line, because names may contain spaces.
const bashFiles = 'local IFS=$\'\\n\'; compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))'

/** Cases of a command's options that take a value. */
function bashValues(command: Command): string[] {
  return Object.entries(optionsOf(command))
    .filter(([, { value }]) => value !== undefined)
    .map(([name, spec]) => {
      const cases = spellings(name, spec).map(spelling => `'${command.name} ${spelling}'`)
      const words = bashChoices(spec.choices)
      const action = words ?? (isPath(spec.value) ? bashFiles : ':')
      return `    ${cases.join(' | ')}) ${action}; return ;;`
    })
}

/** Cases of a command's option names and arguments. */
function bashWords(command: Command): string {
  const options = Object.keys(optionsOf(command)).map(name => `--${name}`)
  const [argument] = (command.arguments ?? []).filter(({ name, choices }) => isPath(name) || choices !== undefined)
  const action = bashChoices(argument?.choices) ?? (argument === undefined ? ':' : bashFiles)
  return [
    `    ${command.name}/-*) COMPREPLY=($(compgen -W '${options.join(' ')}' -- "$cur")) ;;`,
    `    ${command.name}/*) ${action} ;;`
  ].join('\n')
}

function bashChoices(choices: readonly string[] | undefined): string | undefined {
  return choices === undefined ? undefined : `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur"))`
}

function zsh(commands: readonly Command[]): string {
  const list = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`)
  return `
#compdef ${program}
# Completions of ${program} for zsh: source <(${program} completions zsh)
_fastn_net() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(zshCase).join('\n')}
  esac
}
if [ "$funcstack[1]" = _fastn_net ]; then _fastn_net "$@"; else compdef _fastn_net ${program}; fi`
}

function zshCase(command: Command): string {
  const options = Object.entries(optionsOf(command)).flatMap(([name, spec]) => {
    const value = spec.value === undefined ? '' : `:${zshText(spec.value)}:${zshValues(spec.value, spec.choices)}`
    return spellings(name, spec).map(spelling => {
      const several = spec.multiple === true ? '*' : ''
      return quoted(`${several}${spelling}[${zshText(spec.help)}]${value}`)
    })
  })
  const positionals = (command.arguments ?? []).map(({ name, optional, choices }) =>
    quoted(`${optional === true ? ':' : ''}:${zshText(name)}:${zshValues(name, choices)}`)
  )
  return `    ${command.name}) _arguments ${[...options, ...positionals].join(' ')} ;;`
}

function zshValues(placeholder: string, choices: readonly string[] | undefined): string {
  if (choices !== undefined) return `(${choices.join(' ')})`
  return isPath(placeholder) ? '_files' : ' '
}

/** Text in a specification of zsh, where brackets and colons have a meaning. */
function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&')
}

function fish(commands: readonly Command[]): string {
  const lines = [
    `# Completions of ${program} for fish: ${program} completions fish | source`,
    `complete -c ${program} -f`,
    `complete -c ${program} -n __fish_use_subcommand -s h -l help -d ${quoted('Print the help.')}`,
    `complete -c ${program} -n __fish_use_subcommand -s V -l version -d ${quoted('Print the version.')}`
  ]
  for (const command of commands) {
    const start = `complete -c ${program} -n '__fish_seen_subcommand_from ${command.name}'`
    const summary = quoted(command.summary)
    lines.push(`complete -c ${program} -n __fish_use_subcommand -a ${command.name} -d ${summary}`)
    for (const [name, { short, value, choices, help }] of Object.entries(optionsOf(command))) {
      const words = choices === undefined ? '' : ` -a '${choices.join(' ')}'`
      const takes = value === undefined ? '' : isPath(value) ? ' -r -F' : ` -x${words}`
      lines.push(`${start} -l ${name}${short === undefined ? '' : ` -s ${short}`}${takes} -d ${quoted(help)}`)
    }
    for (const { name, choices } of command.arguments ?? []) {
      if (choices !== undefined) lines.push(`${start} -a '${choices.join(' ')}'`)
      else if (isPath(name)) lines.push(`${start} -F`)
    }
  }
  return lines.join('\n')
}
