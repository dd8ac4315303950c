import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { FAILED } from '../native/binding.js'
import { lastFailure } from '../native/failure.js'
import { startWakeups } from '../native/wakeups.js'
import { printable } from '../util/display.js'
import { replaceFile } from '../util/replace-file.js'
import type { HomePaths } from './home.js'

const format = 'fastn-net rig'
const version = 1

/** How long a change waits for the lock of another program, in milliseconds. */
const waitMs = 2_000
const retryMs = 20

/** State of an identity that commands change. */
export interface IdentityState {
  readonly online: boolean
  /** Name of the account, in this rig only. */
  readonly name?: string
}

/** State of a home that commands change. */
export interface RigState {
  /** ID52 of the rig. */
  readonly rig: string
  /** ID52 of the account that owns the rig. */
  readonly owner: string
  /** ID52 of the identity that a service without `identity` uses. */
  readonly current: string
  /** When the home was initialized, in milliseconds since 1970. */
  readonly created: number
  /** By ID52. Missing identities are offline. */
  readonly identities: Readonly<Record<string, IdentityState>>
}

/** Reads the state. `undefined`: the home is not initialized. */
export async function readState({ home, state }: HomePaths): Promise<RigState | undefined> {
  let text: string
  try {
    text = await readFile(state, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new FastnNetError('ERR_FILE', `cannot read '${printable(state)}': ${code}`, { phase: 'rig', cause: error })
  }
  try {
    const { format: kind, version: of, ...rest } = JSON.parse(text)
    const isFine = kind === format && of === version && typeof rest.identities === 'object' && rest.identities !== null
    if (isFine && [rest.rig, rest.owner, rest.current].every(each => typeof each === 'string')) return rest
  } catch {}
  const advice = 'It was not changed: restore it from a backup'
  throw new FastnNetError('ERR_FILE', `'${printable(state)}' of the home '${printable(home)}' is damaged. ${advice}`, {
    phase: 'rig'
  })
}

/** Reads the state of an initialized home. */
export async function stateOf(paths: HomePaths): Promise<RigState> {
  const state = await readState(paths)
  if (state !== undefined) return state
  throw new FastnNetError(
    'ERR_FILE',
    `the folder '${printable(paths.home)}' is not the home of a rig: create one with fastn-net rig init`,
    { phase: 'rig' }
  )
}

/**
 * Writes the state of a home.
 *
 * @throws {FastnNetError} `ERR_FILE`; the state of before is then in force.
 */
export async function writeState({ state }: HomePaths, value: RigState): Promise<void> {
  await replaceFile(state, `${JSON.stringify({ format, version, ...value }, null, 2)}\n`).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException
    throw new FastnNetError('ERR_FILE', `cannot write '${printable(state)}': ${code}`, { phase: 'rig', cause: error })
  })
}

/** Changes the state, serialized across programs by a lock. */
export async function updateState(paths: HomePaths, change: (state: RigState) => RigState): Promise<RigState> {
  startWakeups()
  await stateOf(paths)
  const lock = await lockOf(`${paths.state}.lock`)
  try {
    const next = change(await stateOf(paths))
    await writeState(paths, next)
    return next
  } finally {
    native().handleRelease(lock)
  }
}

async function lockOf(file: string): Promise<number> {
  const end = performance.now() + waitMs
  for (;;) {
    const lock = native().fileLock(file)
    if (lock !== FAILED) return lock
    const failure = lastFailure({ phase: 'rig' })
    if (failure.code !== 'ERR_BUSY' || performance.now() > end) throw failure
    await sleep(retryMs)
  }
}
