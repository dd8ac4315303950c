import { FastnNetError } from '../errors.js'
import { invalid } from './validate.js'

/** Every name of an options type: a value of this type that misses a name, or has another one, does not compile. */
export type OptionNames<Options> = { readonly [Name in keyof Options]-?: true }

/**
 * Returns `options`, checked to be an object whose own enumerable names are all known. An unknown name is an error even where its
 * value is `undefined`: a misspelt `allow` must not open the endpoint. Inherited names are ignored.
 *
 * Allocates nothing unless it throws.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, naming the nearest known option.
 */
export function checkOptions<Options extends object>(
  options: Options | null,
  names: OptionNames<Options>,
  path = 'options',
  expected = 'an object'
): Options {
  if (typeof options !== 'object' || options === null) throw invalid(path, expected)
  const known: Readonly<Record<string, true | undefined>> = names
  for (const name in options) if (known[name] !== true && Object.hasOwn(options, name)) throw unknown(name, names, path)
  return options
}

function unknown(name: string, names: object, path: string): FastnNetError {
  const where = path === 'options' ? '' : ` in ${path}`
  return new FastnNetError('ERR_INVALID_ARGUMENT', `unknown option '${name}'${where}: ${advice(name, names)}`)
}

function advice(name: string, names: object): string {
  const known = Object.keys(names).sort()
  const [nearest] = known
    .map(candidate => ({ candidate, edits: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  if (nearest !== undefined && nearest.edits <= Math.min(nearest.candidate.length, name.length) / 2)
    return `did you mean '${nearest.candidate}'?`
  const list = known.map(each => `'${each}'`).join(', ')
  return known.length === 1 ? `the only one is ${list}` : `known are ${list}`
}

/** Levenshtein's distance. Of a longer name the first 64 characters count, so that the work is bounded. */
function distance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)]
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [at, character] of [...from].entries()) {
    const next = [at + 1]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] as number) + (character === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
