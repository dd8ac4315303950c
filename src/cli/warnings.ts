import { type LogRecord, setLogger } from '../index.js'
import { printable } from '../util/display.js'
import type { Context } from './context.js'

/** Time in milliseconds in which a warning is printed once. Clients that try again and again would fill the terminal. */
const once = 5_000

/**
 * Prints why connections of tunnels fail: their clients see a reset and no more. Not with `--log` and `FASTN_NET_LOG`, which say what
 * to print.
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

/** The failure, its place and its reason, on one line. */
function warningOf({ message, fields: { tunnel_target: target, error } }: LogRecord): string {
  const what = target === undefined ? message : `${message} ${target}`
  return printable(error === undefined ? what : `${what}: ${error}`)
}
