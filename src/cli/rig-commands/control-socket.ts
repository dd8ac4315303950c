import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replaceFile } from '../../rig/services/index.js'
import { failureOf } from '../failure.js'
import type { Output } from '../output.js'
import { pipeOf } from '../status/folder.js'
import { jsonOf, serveLocally } from '../status/local-server.js'
import { controlOf, type RigAnswer } from './control-file.js'

/** Maximum path of a Unix socket, in bytes: 103 on macOS, 107 on Linux. */
const maxSocketPath = 103

/** Handles a request of a command. */
export type Control = (request: unknown) => Promise<unknown>

/**
 * Accepts commands for the rig of a home while `work` runs. They find it by a file in the home, independent of user, session or service
 * manager. On failure, prints a hint and runs without commands.
 */
export async function whileControlled(
  home: string,
  control: Control,
  output: Output,
  work: () => Promise<void>
): Promise<void> {
  const hide = await serve(home, control).catch((error: unknown) => {
    output.hint(`commands such as 'fastn-net rig invite' cannot reach this rig: ${failureOf(error).message}`)
    return () => {}
  })
  try {
    await work()
  } finally {
    hide()
  }
}

async function serve(home: string, control: Control): Promise<() => void> {
  const token = randomBytes(24).toString('hex')
  const file = controlOf(home)
  const answers = { 'POST /control': async (request: IncomingMessage) => await answer(request, control) }
  const { socket, close } = await listen(home, place => serveLocally({ socket: place, token }, answers))
  const remove = () => {
    rmSync(file, { force: true })
    close()
  }
  try {
    await replaceFile(file, JSON.stringify({ pid: process.pid, socket, token }))
  } catch (error) {
    remove()
    throw error
  }
  // A second Ctrl-C ends the process immediately.
  process.once('exit', remove)
  return () => {
    process.removeListener('exit', remove)
    remove()
  }
}

async function answer(request: IncomingMessage, control: Control): Promise<RigAnswer> {
  try {
    return { result: await control(await jsonOf(request)) }
  } catch (error) {
    const { code, message, details } = failureOf(error)
    return { error: { code, message, details } }
  }
}

interface Listening {
  readonly socket: string
  /** Closes the server, and removes the socket. */
  close(): void
}

/** Listens in the home, or in a new temporary folder if the path is too long or the file system has no sockets. */
async function listen(home: string, start: (path: string) => Promise<() => void>): Promise<Listening> {
  if (process.platform === 'win32') {
    const socket = pipeOf(`rig-${process.pid}-${randomBytes(8).toString('hex')}`)
    return { socket, close: await start(socket) }
  }
  const own = join(home, 'rig', 'control.sock')
  if (Buffer.byteLength(own) <= maxSocketPath) {
    // Left by a killed process: this one holds the lock of the home.
    rmSync(own, { force: true })
    const close = await start(own).catch(() => undefined)
    if (close !== undefined) return closing(own, close)
  }
  // Accessible to this user only (mode 0700), with an unpredictable name.
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
  const socket = join(folder, 'control.sock')
  try {
    return closing(socket, await start(socket), folder)
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

function closing(socket: string, close: () => void, folder: string = socket): Listening {
  return {
    socket,
    close: () => {
      close()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}
