import { printable } from './display.js'

/**
 * Replacer of `JSON.stringify`. Throws for values that it would drop or write as `null`, so that different values would become equal.
 */
export function refuseWhatJsonDrops(key: string, value: unknown): unknown {
  const lost = ['undefined', 'function', 'symbol'].includes(typeof value)
  if (lost || (typeof value === 'number' && !Number.isFinite(value))) {
    const shown = typeof value === 'function' ? 'a function' : printable(String(value))
    throw new TypeError(`JSON cannot say ${shown} (at ${JSON.stringify(key)})`)
  }
  return value
}

/** First line of what `JSON.stringify` threw: V8 draws a cycle on further lines. */
export function firstLineOf(cause: unknown): string {
  const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)
  return printable(line)
}
