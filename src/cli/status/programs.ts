import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from './ask.js'
import { type Registration, statusFolder } from './folder.js'
import type { Snapshot } from './snapshot.js'

/** Maximum shown programs. */
const maxPrograms = 64
/** Maximum concurrent requests. */
const batch = 64
/** Timeout of an answer. */
const answerMs = 2_000

/** States of the running programs of this user, ordered by their start. Removes entries of killed programs. */
export async function snapshots(): Promise<Snapshot[]> {
  const folder = await statusFolder()
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  const found: Snapshot[] = []
  // Killed programs leave entries here, without a limit.
  for (let at = 0; at < names.length && found.length < maxPrograms; at += batch) {
    const some = await Promise.all(names.slice(at, at + batch).map(name => snapshotOf(folder, name)))
    for (const each of some) if (each !== undefined) found.push(each)
  }
  return found.slice(0, maxPrograms).sort((a, b) => a.started - b.started)
}

async function snapshotOf(folder: string, name: string): Promise<Snapshot | undefined> {
  const file = join(folder, name)
  let registration: Registration | undefined
  try {
    registration = JSON.parse(await readFile(file, 'utf8')) as Registration
    return (await ask(registration, { method: 'GET', path: '/', timeout: answerMs })) as Snapshot
  } catch (error) {
    // The process ID of a killed program may be reused, but not its socket.
    const { code = '' } = error as NodeJS.ErrnoException
    const isGone = ['ECONNREFUSED', 'ENOENT'].includes(code)
    if (registration !== undefined && (isGone || !isRunning(registration.pid))) {
      await rm(file, { force: true })
      if (process.platform !== 'win32') await rm(file.replace(/json$/, 'sock'), { force: true })
    }
    // It has just ended, or does not respond.
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
