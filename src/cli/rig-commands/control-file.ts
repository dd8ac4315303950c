import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rigProcess } from '../../rig/services/index.js'
import { printable } from '../../util/display.js'
import { CliError } from '../failure.js'
import { ask } from '../status/ask.js'
import type { Registration } from '../status/folder.js'

/** Timeout of an answer, in milliseconds: the rig may bring identities online. */
const answerMs = 60_000

/** Answer of a rig to a command. */
export type RigAnswer =
  | { readonly result: unknown }
  | {
      readonly error: {
        readonly code: string
        readonly message: string
        readonly details: Readonly<Record<string, unknown>>
      }
    }

/** The file with the control address of a home's rig. */
export function controlOf(home: string): string {
  return join(home, 'rig', 'control.json')
}

/**
 * Sends a request to the running rig of a home, and returns its answer.
 *
 * @throws {CliError} `ERR_NOT_RUNNING` if it does not run. `ERR_CONTROL` if it runs but cannot be reached. Errors of the rig.
 */
export async function askRig(home: string, request: object): Promise<unknown> {
  const found = await registrationOf(home)
  let why = 'it takes no commands: it is not fastn-net rig run, or could not open a socket, which its output says'
  if (found !== undefined) {
    try {
      const answer = await ask(found, { method: 'POST', path: '/control', body: request, timeout: answerMs })
      return resultOf(answer as RigAnswer)
    } catch (error) {
      if (error instanceof CliError) throw error
      why = `it does not answer at '${found.socket}': ${(error as Error).message}`
    }
  }
  const process = rigProcess({ home })
  if (process === undefined)
    throw new CliError('ERR_NOT_RUNNING', `the rig in '${home}' does not run: fastn-net rig run`)
  const { pid, since } = process
  const message = `the rig in '${home}' runs as process ${pid}, since ${new Date(since).toISOString()}, but ${why}`
  throw new CliError('ERR_CONTROL', printable(message), { pid, since })
}

function resultOf(answer: RigAnswer): unknown {
  if ('result' in answer) return answer.result
  const { code, message, details } = answer.error
  throw new CliError(code, message, details)
}

async function registrationOf(home: string): Promise<Registration | undefined> {
  const file = controlOf(home)
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Registration
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new CliError('ERR_FILE', `cannot read '${printable(file)}': ${code || 'it is damaged'}`, { systemCode: code })
  }
}
