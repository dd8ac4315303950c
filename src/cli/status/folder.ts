import { lstat, mkdir } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../failure.js'

/**
 * The folder in which running programs are found: of this user alone. On Windows, the folder for temporary files is the user's own.
 *
 * @throws {CliError} `ERR_FILE` if another user can write to it.
 */
export async function statusFolder(): Promise<string> {
  const { XDG_RUNTIME_DIR } = process.env
  const isWindows = process.platform === 'win32'
  const parent = XDG_RUNTIME_DIR !== undefined && XDG_RUNTIME_DIR !== '' ? XDG_RUNTIME_DIR : tmpdir()
  const { uid } = userInfo()
  const folder = join(parent, isWindows || parent === XDG_RUNTIME_DIR ? 'fastn-net' : `fastn-net-${uid}`)
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(folder)
  if (found.isDirectory() && (isWindows || (found.uid === uid && (found.mode & 0o077) === 0))) return folder
  throw new CliError('ERR_FILE', `the folder '${folder}' must be of this user alone (mode 0700)`, {
    systemCode: 'EPERM'
  })
}

/** Entry of a program in the folder. */
export interface Registration {
  readonly pid: number
  /** Unix socket, or named pipe. */
  readonly socket: string
  /** Secret that a request must send. */
  readonly token: string
  /** Home of the rig that it runs. */
  readonly home?: string
}

/** What a program answers to a request to do something. */
export type Answer =
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly code: string
        readonly message: string
        readonly details: Readonly<Record<string, unknown>>
      }
    }
