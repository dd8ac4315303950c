import { readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { CliError } from '../failure.js'
import { type Answer, type Registration, statusFolder } from './folder.js'
import type { Snapshot } from './snapshot.js'

/** Most programs that are shown. */
const maxPrograms = 64
/** Programs that are asked at once. */
const batch = 64
/** Limit of an answer. */
const answerMs = 2_000
/** Limit of the answer of a rig that is asked to do something: it may bring identities online. */
const controlMs = 60_000
const maxAnswerBytes = 8_388_608

/** States of the running programs of this user, ordered by their start. Forgets those that have ended without a word. */
export async function snapshots(): Promise<Snapshot[]> {
  const folder = await statusFolder()
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  const found: Snapshot[] = []
  // Any number of programs may have been killed, which leaves their names here.
  for (let at = 0; at < names.length && found.length < maxPrograms; at += batch) {
    const some = await Promise.all(names.slice(at, at + batch).map(name => snapshotOf(folder, name)))
    for (const each of some) if (each !== undefined) found.push(each)
  }
  return found.slice(0, maxPrograms).sort((a, b) => a.started - b.started)
}

/** The rig of this user that runs in a home; `undefined` if it cannot be found. */
export async function rigIn(home: string): Promise<Registration | undefined> {
  const folder = await statusFolder().catch(() => undefined)
  if (folder === undefined) return undefined
  const names = (await readdir(folder)).filter(name => name.endsWith('.json'))
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8').catch(() => '{}')
    const found = JSON.parse(text) as Registration
    if (found.home === home && isRunning(found.pid)) return found
  }
  return undefined
}

/** Lets a rig that runs do something, and returns its answer. */
export async function control(rig: Registration, request: unknown): Promise<unknown> {
  const answer = JSON.parse(await ask(rig, request)) as Answer
  if ('result' in answer) return answer.result
  const { code, message, details } = answer.error
  throw new CliError(code, message, details)
}

async function snapshotOf(folder: string, name: string): Promise<Snapshot | undefined> {
  const file = join(folder, name)
  let registration: Registration | undefined
  try {
    registration = JSON.parse(await readFile(file, 'utf8')) as Registration
    return JSON.parse(await ask(registration)) as Snapshot
  } catch (error) {
    // Another process may have the id of one that was killed, but not its socket.
    const { code = '' } = error as NodeJS.ErrnoException
    const isGone = ['ECONNREFUSED', 'ENOENT'].includes(code)
    if (registration !== undefined && (isGone || !isRunning(registration.pid))) {
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

async function ask({ socket, token }: Registration, body?: unknown): Promise<string> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` }
    const signal = AbortSignal.timeout(body === undefined ? answerMs : controlMs)
    const what = body === undefined ? { path: '/' } : { method: 'POST', path: '/control' }
    const asked = request({ socketPath: socket, headers, agent: false, signal, ...what })
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
    asked.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
