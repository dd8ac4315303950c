import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { startWakeups } from '../native/wakeups.js'
import { printable } from '../util/display.js'
import { type HomeOptions, homePaths } from './entities.js'
import type { HomePaths } from './home.js'

/** Identifies the process that runs a rig. */
export interface RunningProcess {
  readonly pid: number
  /** When it started, in milliseconds since 1970. */
  readonly since: number
}

/** Locks a home until the returned function is called. The system unlocks it when the process ends. */
export function lockHome(paths: HomePaths): () => void {
  startWakeups()
  const lock = native().fileLock(paths.lock)
  if (lock === FAILED) throw heldBy(paths, lastFailure({ phase: 'rig' }))
  // A separate file, because Windows prevents reading the locked one.
  const holder: RunningProcess = { pid: process.pid, since: Date.now() }
  try {
    writeFileSync(paths.running, JSON.stringify(holder), { mode: 0o600 })
  } catch {
    // Without it, only the message of a second start has less detail.
  }
  return () => {
    rmSync(paths.running, { force: true })
    native().handleRelease(lock)
  }
}

/**
 * Returns the process that runs the rig of a home; `undefined` if none does. Checks the lock, because a killed process leaves its file
 * behind, and its ID may be reused.
 *
 * @throws {FastnNetError} `ERR_FILE` if the lock cannot be checked.
 */
export function rigProcess(options: HomeOptions): RunningProcess | undefined {
  const paths = homePaths(options)
  if (!existsSync(paths.running)) return undefined
  startWakeups()
  const lock = native().fileLock(paths.lock)
  if (lock !== FAILED) {
    native().handleRelease(lock)
    return undefined
  }
  const failure = lastFailure({ phase: 'rig' })
  if (failure.code !== 'ERR_BUSY') throw failure
  return readRunning(paths.running)
}

function heldBy({ home, running }: HomePaths, failure: FastnNetError): FastnNetError {
  if (failure.code !== 'ERR_BUSY') return failure
  const message = `the rig in '${printable(home)}' is already running${runningProcess(running)}`
  return new FastnNetError('ERR_BUSY', message, { phase: 'rig', cause: failure })
}

function runningProcess(file: string): string {
  const found = readRunning(file)
  return found === undefined
    ? ' in another process'
    : `: process ${found.pid}, since ${new Date(found.since).toISOString()}`
}

function readRunning(file: string): RunningProcess | undefined {
  try {
    const { pid, since }: RunningProcess = JSON.parse(readFileSync(file, 'utf8'))
    return Number.isSafeInteger(pid) && Number.isSafeInteger(since) ? { pid, since } : undefined
  } catch {
    return undefined
  }
}
