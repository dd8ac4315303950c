import { readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { type Registration, statusFolder } from './folder.js'
import type { Snapshot } from './snapshot.js'

/** Most programs that are asked. */
const maxPrograms = 64
/** Limit of an answer. */
const answerMs = 2_000
const maxAnswerBytes = 8_388_608

/** States of the running programs of this user, ordered by their start. Forgets those that have ended without a word. */
export async function snapshots(): Promise<Snapshot[]> {
  const folder = await statusFolder()
  const names = (await readdir(folder)).filter(name => name.endsWith('.json')).slice(0, maxPrograms)
  const found = await Promise.all(names.map(name => snapshotOf(folder, name)))
  return found.filter(each => each !== undefined).sort((a, b) => a.started - b.started)
}

async function snapshotOf(folder: string, name: string): Promise<Snapshot | undefined> {
  const file = join(folder, name)
  let registration: Registration | undefined
  try {
    registration = JSON.parse(await readFile(file, 'utf8')) as Registration
    return JSON.parse(await ask(registration)) as Snapshot
  } catch {
    if (registration !== undefined && !isRunning(registration.pid)) {
      await rm(file, { force: true })
      if (process.platform !== 'win32') await rm(file.replace(/json$/, 'sock'), { force: true })
    }
    // It has just ended, or does not answer.
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

async function ask({ socket, token }: Registration): Promise<string> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const asked = request({ socketPath: socket, headers, agent: false, signal: AbortSignal.timeout(answerMs) })
    asked.once('error', reject)
    asked.once('response', response => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > maxAnswerBytes) asked.destroy(new Error('the answer is too long'))
        chunks.push(chunk)
      })
      response.once('error', reject)
      response.once('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks).toString())
        else reject(new Error(`status ${response.statusCode}`))
      })
    })
    asked.end()
  })
}
