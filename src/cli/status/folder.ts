import { lstat, mkdir, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CliError } from '../failure.js'
import type { LocalAddress } from './local-server.js'

/**
 * The registry folder of running programs, accessible to this user only. On Windows, the temporary folder belongs to the user.
 *
 * @throws {CliError} `ERR_FILE` if another user can write to it.
 */
export async function statusFolder(): Promise<string> {
  const isWindows = process.platform === 'win32'
  // Not os.userInfo, which fails without an entry in /etc/passwd, as in containers.
  const uid = process.getuid?.()
  const ofSession = await sessionFolder()
  const folder = join(ofSession ?? tmpdir(), isWindows || ofSession !== undefined ? 'fastn-net' : `fastn-net-${uid}`)
  await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  const found = await lstat(folder)
  if (found.isDirectory() && (isWindows || (found.uid === uid && (found.mode & 0o077) === 0))) return folder
  throw new CliError('ERR_FILE', `the folder '${folder}' must be accessible to this user only (mode 0700)`, {
    systemCode: 'EPERM'
  })
}

/** The user's runtime folder. Under `su` and `cron`, it may not exist. */
async function sessionFolder(): Promise<string | undefined> {
  const { XDG_RUNTIME_DIR = '' } = process.env
  if (XDG_RUNTIME_DIR === '') return undefined
  const found = await stat(XDG_RUNTIME_DIR).catch(() => undefined)
  return found?.isDirectory() ? XDG_RUNTIME_DIR : undefined
}

/** Path of a named pipe. */
export function pipeOf(name: string): string {
  return `\\\\.\\pipe\\fastn-net-${name}`
}

/** Entry of a program in the folder. */
export interface Registration extends LocalAddress {
  readonly pid: number
}
