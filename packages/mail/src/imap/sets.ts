import { BadCommand } from './command.js'
import { maxRanges } from './limits.js'

/** An inclusive range. `*` is infinity until it is resolved. */
export type NumberRange = readonly [first: number, last: number]

const largest = 0xffffffff

/** Parses a set such as `1,3:5,7:*`. Throws {@link BadCommand}. */
export function parseSet(text: string): NumberRange[] {
  const parts = text.split(',', maxRanges + 1)
  if (parts.length > maxRanges) throw new BadCommand(`a set has at most ${maxRanges} ranges`)
  return parts.map(part => {
    const found = /^(\*|[1-9]\d{0,9})(?::(\*|[1-9]\d{0,9}))?$/.exec(part)
    if (!found?.[1]) throw new BadCommand('a set is invalid')
    const first = numberOf(found[1])
    const last = found[2] === undefined ? first : numberOf(found[2])
    return first <= last ? [first, last] : [last, first]
  })
}

function numberOf(text: string): number {
  const number = text === '*' ? Number.POSITIVE_INFINITY : Number(text)
  if (number > largest && text !== '*') throw new BadCommand('a number of a set is too large')
  return number
}

/** Sorts and merges ranges, with `*` as the given number. */
export function mergeRanges(ranges: readonly NumberRange[], star: number): NumberRange[] {
  const resolve = (number: number) => (number === Number.POSITIVE_INFINITY ? star : number)
  const resolved = ranges
    .map(([first, last]): NumberRange => {
      // `7:*` is `3:7` if the largest number is 3.
      const ends = [resolve(first), resolve(last)] as const
      return [Math.min(...ends), Math.max(...ends)]
    })
    .sort((one, other) => one[0] - other[0])
  const merged: [number, number][] = []
  for (const [first, last] of resolved) {
    const before = merged.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}

/** Sequence numbers of a set. Throws {@link BadCommand} for invalid ones. */
export function sequenceNumbers(ranges: readonly NumberRange[], count: number): NumberRange[] {
  const merged = mergeRanges(ranges, Math.max(count, 1))
  if ((merged.at(-1)?.[1] ?? 0) > count) throw new BadCommand('no message has this number')
  return merged
}

/** Lower bound: index of the first ascending number that is at least `least`. */
export function lowerBound(numbers: readonly number[], least: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) < least) low = middle + 1
    else high = middle
  }
  return low
}

/** Formats numbers as a set, in their order: `1:3,7`. */
export function formatSet(numbers: readonly number[]): string {
  const parts: string[] = []
  for (let at = 0; at < numbers.length; ) {
    const first = numbers[at] as number
    let last = first
    while (numbers[at + 1] === last + 1) {
      last++
      at++
    }
    at++
    parts.push(first === last ? `${first}` : `${first}:${last}`)
  }
  return parts.join(',')
}
