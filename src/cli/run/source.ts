import { printable } from '../../util/display.js'
import { CliError } from '../failure.js'

/** Keys from the root of a TOML file to a value. */
export type KeyPath = readonly string[]

/** The text of a TOML file, to locate values. */
export class Source {
  readonly file: string
  readonly #lines: readonly string[]

  constructor(file: string, text: string) {
    this.file = file
    this.#lines = text.split('\n')
  }

  /** An error for a value, with its line if found. */
  error(path: KeyPath, problem: string): CliError {
    const line = this.lineOf(path) ?? this.lineOf(path.slice(0, -1))
    return configError(this.file, line, problem)
  }

  /** The 1-based line of a key or table header. Does not find inline tables and keys in multi-line strings. */
  lineOf(path: KeyPath): number | undefined {
    const wanted = JSON.stringify(path)
    let table: KeyPath = []
    for (const [index, line] of this.#lines.entries()) {
      const text = line.trim()
      const header = /^\[\[?([^\]]+)\]/.exec(text)?.[1]
      if (header !== undefined) table = keysOf(header)
      const key = header === undefined ? keyOf(text) : undefined
      const here = key === undefined ? table : [...table, ...keysOf(key)]
      if ((header !== undefined || key !== undefined) && JSON.stringify(here) === wanted) return index + 1
    }
    return undefined
  }
}

/** An error of a file. */
export function configError(file: string, line: number | undefined, problem: string): CliError {
  const place = line === undefined ? file : `${file}:${line}`
  return new CliError('ERR_CONFIG', `${place}: ${printable(problem)}`, { file, ...(line !== undefined && { line }) })
}

/** Text of a line before its `=`, unless it is a comment. */
function keyOf(line: string): string | undefined {
  const end = line.search(/[=#]/)
  return end > 0 && line[end] === '=' ? line.slice(0, end) : undefined
}

/** The parts of a dotted key. */
function keysOf(dotted: string): string[] {
  return [...dotted.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, basic, literal, bare]) => basic ?? literal ?? bare ?? ''
  )
}
