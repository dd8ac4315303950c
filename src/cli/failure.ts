import { isFastnNetError } from '../index.js'
import { printable } from '../util/display.js'

/** Exit statuses. A signal is 128 plus its number. */
export const exit = { ok: 0, failed: 1, usage: 2, interrupted: 130, closedPipe: 141 } as const

/** A failure that is reported as one sentence. */
export class CliError extends Error {
  readonly code: string
  readonly status: number
  /** Further members of the JSON object. */
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, details: Readonly<Record<string, unknown>> = {}, status: number = 1) {
    super(message)
    this.code = code
    this.status = status
    this.details = details
  }
}

/** The command line is wrong. */
export class UsageError extends CliError {
  constructor(message: string) {
    super('ERR_USAGE', message, {}, exit.usage)
  }
}

/** A signal or a closed stdout ended the command. */
export class Interrupted extends CliError {
  constructor(what: string, status: number) {
    super('ERR_INTERRUPTED', what, {}, status)
  }
}

/** Output and exit status of a failed command. */
export interface Failure {
  readonly status: number
  readonly code: string
  /** One line without control characters. */
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** Describes an error of a command. */
export function failureOf(error: unknown): Failure {
  const { message } = error instanceof Error ? error : new Error(String(error))
  const shown = printable(message)
  if (error instanceof CliError)
    return { status: error.status, code: error.code, message: shown, details: error.details }
  if (isFastnNetError(error)) {
    const { code, peer, remoteCode } = error
    const status = code === 'ERR_PEER_ADDRESS' ? exit.usage : exit.failed
    return { status, code, message: shown, details: { peer, remoteCode } }
  }
  const { code } = error as NodeJS.ErrnoException
  // System errors have a code. Anything else is a bug in this program.
  if (typeof code === 'string' && /^E[A-Z]+$/.test(code)) {
    return { status: exit.failed, code: 'ERR_FILE', message: shown, details: { systemCode: code } }
  }
  return { status: exit.failed, code: 'ERR_INTERNAL', message: shown, details: {} }
}
