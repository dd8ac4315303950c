import { millisecondsOf } from '../rig/services/index.js'
import { printable } from '../util/display.js'
import { UsageError } from './failure.js'

export { formatSize } from '../util/size.js'

/** Parses a time such as `500ms`, `10s`, `1.5m` or `10` (seconds) to milliseconds. */
export function parseTime(text: string, what: string): number {
  const milliseconds = millisecondsOf(text)
  if (milliseconds !== undefined) return milliseconds
  throw new UsageError(`${what} must be a time such as 500ms, 10s or 2m, not '${printable(text)}'`)
}

const sizes: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 }

/** Parses a size such as `500k`, `1.5M`, `2GB` or `1000` to bytes. Units are powers of 1,000. */
export function parseSize(text: string, what: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([kmgt]?)b?$/i.exec(text) ?? []
  const scale = sizes[unit.toLowerCase()]
  const bytes = Math.floor(Number(number) * (scale ?? Number.NaN))
  if (number !== undefined && Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(`${what} must be a size such as 500k, 10M or 2G, not '${printable(text)}'`)
}

/** Parses a count. */
export function parseCount(text: string, what: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(count)) return count
  throw new UsageError(`${what} must be a whole number, not '${printable(text)}'`)
}

/** Parses a local port; 0 selects a free one. */
export function parsePort(text: string, what: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (port <= 65_535) return port
  throw new UsageError(`${what} must be a port from 0 to 65535, not '${printable(text)}'`)
}

/** Formats a duration in seconds: `4 s`, `3:05`, `2:01:00`. */
export function formatTime(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const two = (part: number) => String(part).padStart(2, '0')
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}
