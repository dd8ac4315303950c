import { type LogRecord, setLogger } from '../index.js'
import { printable } from '../util/display.js'
import type { Context } from './context.js'

/** Interval in milliseconds within which a warning is printed once, because retrying clients would flood the terminal. */
const once = 5_000

/**
 * Prints why tunnel connections fail, because their clients only see a reset. Inactive with `--log` and `FASTN_NET_LOG`, which control the
 * output.
 */
export function showTunnelWarnings({ args, output }: Context): void {
  const { FASTN_NET_LOG } = process.env
  if (output.json || output.quiet || args.has('log') || (FASTN_NET_LOG !== undefined && FASTN_NET_LOG !== '')) return
  let last = ''
  let at = 0
  setLogger(
    record => {
      const text = warningOf(record)
      if (text === last && Date.now() - at < once) return
      ;[last, at] = [text, Date.now()]
      output.hint(text)
    },
    { filter: 'fastn_net::tunnel=warn' }
  )
}

/** The failure with place and reason, on one line. */
function warningOf({ message, fields: { tunnel_target: target, error } }: LogRecord): string {
  const what = target === undefined ? message : `${message} ${target}`
  return printable(error === undefined ? what : `${what}: ${error}`)
}
