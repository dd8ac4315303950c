import { constants } from 'node:os'
import { exit, Interrupted } from './failure.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Called by SIGHUP, which then does not end the command. */
let hangup: (() => void) | undefined

/** Lets SIGHUP call this from now on, until the command is interrupted. */
export function onHangup(handle: () => void): void {
  hangup = handle
}

/**
 * Watches for the end of the command: the first signal aborts the result, so that the command ends well. The second ends the process at
 * once. A closed stdout works like the first signal, but ends the process with the status of SIGPIPE.
 */
export function watchInterrupts(): AbortSignal {
  const controller = new AbortController()
  for (const name of signals) {
    const status = 128 + constants.signals[name]
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(status)
      if (name === 'SIGHUP' && hangup !== undefined) return hangup()
      controller.abort(new Interrupted(`interrupted by ${name}`, status))
    })
  }
  process.stdout.on('error', error => {
    const isClosed = (error as NodeJS.ErrnoException).code === 'EPIPE'
    const what = isClosed ? 'the reader of stdout has closed it' : `cannot write to stdout: ${error.message}`
    controller.abort(new Interrupted(what, isClosed ? exit.closedPipe : exit.failed))
  })
  // stderr is closed: there is no place to report it, and no reason to end.
  process.stderr.on('error', () => {})
  return controller.signal
}
