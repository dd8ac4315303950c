import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint } from '../../index.js'
import { version } from '../../version.js'
import type { Context } from '../context.js'
import { failureOf } from '../failure.js'
import { pipeOf, type Registration, statusFolder } from './folder.js'
import { serveLocally } from './local-server.js'
import { type NamedService, peerStatuses, type Snapshot, serviceStatuses } from './snapshot.js'

/** The published state of a program. */
export interface Published {
  readonly id52: string
  endpoints(): readonly Endpoint[]
  services(): readonly NamedService[]
  /** More members of the snapshot. */
  more?(): Partial<Snapshot>
}

/** An endpoint and its services. */
export function published(endpoint: Endpoint, services: () => readonly NamedService[]): Published {
  return { id52: endpoint.id52, endpoints: () => [endpoint], services }
}

/** Publishes a program for `fastn-net status` while `work` runs. On failure, prints a hint and continues. */
export async function whilePublished(
  { output, name }: Context,
  shown: Published,
  work: () => Promise<void>
): Promise<void> {
  const started = Date.now()
  const snapshot = (): Snapshot => ({
    pid: process.pid,
    version,
    command: name,
    id52: shown.id52,
    started,
    time: Date.now(),
    services: serviceStatuses(shown.services()),
    ...peerStatuses(shown.endpoints()),
    ...shown.more?.()
  })
  const hide = await serve(snapshot).catch((error: unknown) => {
    output.hint(`'fastn-net status' cannot show this program: ${failureOf(error).message}`)
    return () => {}
  })
  try {
    await work()
  } finally {
    hide()
  }
}

async function serve(snapshot: () => Snapshot): Promise<() => void> {
  const folder = await statusFolder()
  const name = `${process.pid}-${randomBytes(4).toString('hex')}`
  const token = randomBytes(24).toString('hex')
  const isWindows = process.platform === 'win32'
  const socket = isWindows ? pipeOf(name) : join(folder, `${name}.sock`)
  const close = await serveLocally({ socket, token }, { 'GET /': snapshot })
  const registration: Registration = { pid: process.pid, socket, token }
  const file = join(folder, `${name}.json`)
  // Written atomically.
  await writeFile(`${file}.new`, JSON.stringify(registration), { mode: 0o600, flag: 'wx' })
  await rename(`${file}.new`, file)
  const remove = () => {
    for (const path of isWindows ? [file] : [file, socket]) rmSync(path, { force: true })
  }
  // A second Ctrl-C ends the process immediately.
  process.once('exit', remove)
  return () => {
    process.removeListener('exit', remove)
    close()
    remove()
  }
}
