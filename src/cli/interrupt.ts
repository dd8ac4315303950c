import { constants } from 'node:os'
import { exit, Interrupted } from './failure.js'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Handler of SIGHUP, which then does not end the command. */
let hangup: (() => void) | undefined

/** Sets the handler of SIGHUP until the command is interrupted. */
export function onHangup(handle: () => void): void {
  hangup = handle
}

/**
 * Handles the end of the command: the first signal aborts the returned signal, for a graceful shutdown. The second ends the process
 * immediately. A closed stdout works like the first signal, but exits with the status of SIGPIPE.
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
  // A closed stderr cannot be reported, and does not end the command.
  process.stderr.on('error', () => {})
  return controller.signal
}
