import { parseArgs } from 'node:util'
import { printable } from '../util/display.js'
import { nearest } from '../util/nearest.js'
import { UsageError } from './failure.js'
import type { ArgumentSpec, OptionSpec, OptionSpecs } from './specs.js'

/** The checked arguments of a command. */
export class Arguments {
  readonly #options: ReadonlyMap<string, readonly string[]>
  /** Positional arguments, in order. */
  readonly positionals: readonly string[]

  constructor(options: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#options = options
    this.positionals = positionals
  }

  /** Whether the option was given. */
  has(name: string): boolean {
    return this.#options.has(name)
  }

  /** The value of an option. */
  text(name: string): string | undefined {
    return this.#options.get(name)?.[0]
  }

  /** All values of an option. */
  list(name: string): readonly string[] {
    return this.#options.get(name) ?? []
  }

  /** A positional argument that the command requires. */
  required(index: number): string {
    const value = this.positionals[index]
    if (value === undefined) throw new UsageError('an argument is missing')
    return value
  }
}

/**
 * Parses the arguments of a command. `--help` and unknown options take precedence over missing arguments.
 *
 * @throws {UsageError}
 */
export function parseArguments(
  specs: OptionSpecs,
  expected: readonly ArgumentSpec[],
  args: readonly string[]
): Arguments {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string }> = {}
  for (const [name, { value, short }] of Object.entries(specs)) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) }
  }
  // Not strict: errors of the strict mode have no suggestions, and `--key -x` is parsed as two options.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string[]>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const spec = Object.hasOwn(specs, token.name) ? specs[token.name] : undefined
    if (spec === undefined) throw unknownOption(token.rawName, specs)
    const given = values.get(token.name) ?? []
    if (given.length > 0 && spec.value !== undefined && spec.multiple !== true) {
      throw new UsageError(`option '--${token.name}' was given twice`)
    }
    values.set(token.name, [...given, checkedValue(token.rawName, spec, token.value, token.inlineValue === true)])
  }
  const parsed = new Arguments(values, positionals)
  if (!parsed.has('help')) checkPositionals(expected, positionals)
  return parsed
}

function unknownOption(given: string, specs: OptionSpecs): UsageError {
  const close = given.startsWith('--') ? nearest(given.slice(2), Object.keys(specs)) : undefined
  const advice = close === undefined ? '' : `. Did you mean '--${close}'?`
  return new UsageError(`unknown option '${printable(given)}'${advice}`)
}

function checkedValue(given: string, spec: OptionSpec, value: string | undefined, isInline: boolean): string {
  if (spec.value === undefined) {
    if (value !== undefined) throw new UsageError(`option '${given}' takes no value`)
    return ''
  }
  // A value that looks like an option needs '=', so that a forgotten value does not consume the next option.
  if (value === undefined || (!isInline && value.startsWith('-') && value !== '-')) {
    throw new UsageError(`option '${given}' needs a value: ${given} ${spec.value}`)
  }
  if (spec.choices !== undefined) checkChoice(`option '${given}'`, spec.choices, value)
  return value
}

function checkChoice(what: string, choices: readonly string[], value: string): void {
  if (choices.includes(value)) return
  const close = nearest(value, choices)
  const advice = close === undefined ? '' : `. Did you mean '${close}'?`
  throw new UsageError(`${what} must be one of ${choices.join(', ')}, not '${printable(value)}'${advice}`)
}

function checkPositionals(specs: readonly ArgumentSpec[], given: readonly string[]): void {
  for (const [index, { name, optional, choices }] of specs.entries()) {
    const value = given[index]
    if (value === undefined && optional !== true) throw new UsageError(`argument ${name} is missing`)
    if (value !== undefined && choices !== undefined) checkChoice(`argument ${name}`, choices, value)
  }
  const extra = given[specs.length]
  if (extra !== undefined) throw new UsageError(`unexpected argument '${printable(extra)}'`)
}
