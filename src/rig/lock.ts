import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { startWakeups } from '../native/wakeups.js'
import { printable } from '../util/display.js'
import type { HomePaths } from './home.js'

/** Says which process runs a rig. */
interface RunningProcess {
  readonly pid: number
  /** When it started, in milliseconds since 1970. */
  readonly since: number
}

/** Locks a home until the function that this returns is called. The system unlocks it when the process ends, in whatever way. */
export function lockHome(paths: HomePaths): () => void {
  startWakeups()
  const lock = native().fileLock(paths.lock)
  if (lock === FAILED) throw heldBy(paths, lastFailure({ phase: 'rig' }))
  // Not into the locked file: Windows lets nobody read that.
  const holder: RunningProcess = { pid: process.pid, since: Date.now() }
  try {
    writeFileSync(paths.running, JSON.stringify(holder), { mode: 0o600 })
  } catch {
    // Only the message of a second start is poorer without it.
  }
  return () => {
    rmSync(paths.running, { force: true })
    native().handleRelease(lock)
  }
}

function heldBy({ home, running }: HomePaths, failure: FastnNetError): FastnNetError {
  if (failure.code !== 'ERR_BUSY') return failure
  const message = `the rig in '${printable(home)}' runs already${runningProcess(running)}`
  return new FastnNetError('ERR_BUSY', message, { phase: 'rig', cause: failure })
}

function runningProcess(file: string): string {
  try {
    const { pid, since }: RunningProcess = JSON.parse(readFileSync(file, 'utf8'))
    return `: process ${Number(pid)}, since ${new Date(since).toISOString()}`
  } catch {
    return ' in another process'
  }
}
