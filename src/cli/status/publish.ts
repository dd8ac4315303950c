import { randomBytes, timingSafeEqual } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Endpoint } from '../../index.js'
import { version } from '../../version.js'
import type { Context } from '../context.js'
import { failureOf } from '../failure.js'
import { type Answer, type Registration, statusFolder } from './folder.js'
import { type NamedService, peerStatuses, type Snapshot, serviceStatuses } from './snapshot.js'

/** Bounds of a local client, which may be any program of this user. */
const limits = { connections: 16, headerBytes: 4_096, headersMs: 2_000, requestMs: 5_000, bodyBytes: 65_536 } as const

/** What a program shows to others of this user, and what it does for them. */
export interface Published {
  readonly id52: string
  endpoints(): readonly Endpoint[]
  services(): readonly NamedService[]
  /** More members of the snapshot. */
  more?(): Partial<Snapshot>
  /** Home of the rig that runs. */
  readonly home?: string
  /** Does what a command asks of a rig that runs. */
  control?(request: unknown): Promise<unknown>
}

/** An endpoint and its services. */
export function published(endpoint: Endpoint, services: () => readonly NamedService[]): Published {
  return { id52: endpoint.id52, endpoints: () => [endpoint], services }
}

/** Lets `fastn-net status` see a program while `work` runs. If that fails, it is a hint: no reason to end. */
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
  const hide = await serve(snapshot, shown).catch((error: unknown) => {
    output.hint(`'fastn-net status' cannot show this program: ${failureOf(error).message}`)
    return () => {}
  })
  try {
    await work()
  } finally {
    hide()
  }
}

async function serve(snapshot: () => Snapshot, { home, control }: Published): Promise<() => void> {
  const folder = await statusFolder()
  const name = `${process.pid}-${randomBytes(4).toString('hex')}`
  const token = randomBytes(24).toString('hex')
  const isWindows = process.platform === 'win32'
  const socket = isWindows ? `\\\\.\\pipe\\fastn-net-${name}` : join(folder, `${name}.sock`)
  const server = createServer(
    { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
    (request, response) => void answer(request, response, token, { snapshot, control })
  )
  server.maxConnections = limits.connections
  await listening(server, socket)
  if (!isWindows) await chmod(socket, 0o600)
  const registration: Registration = { pid: process.pid, socket, token, ...(home !== undefined && { home }) }
  const file = join(folder, `${name}.json`)
  // It appears whole.
  await writeFile(`${file}.new`, JSON.stringify(registration), { mode: 0o600, flag: 'wx' })
  await rename(`${file}.new`, file)
  const remove = () => {
    for (const path of isWindows ? [file] : [file, socket]) rmSync(path, { force: true })
  }
  // The second Ctrl-C ends the process without a word.
  process.once('exit', remove)
  return () => {
    process.removeListener('exit', remove)
    server.close()
    server.closeAllConnections()
    remove()
  }
}

async function listening(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  // Being seen is no reason to run.
  server.unref()
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  token: string,
  { snapshot, control }: { snapshot: () => Snapshot; control: Published['control'] }
): Promise<void> {
  const send = (value: unknown) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`)) response.writeHead(401).end()
  else if (request.method === 'GET' && request.url === '/') send(snapshot())
  else if (request.method === 'POST' && request.url === '/control' && control !== undefined)
    send(await controlled(request, control))
  else response.writeHead(404).end()
  request.resume()
}

async function controlled(request: IncomingMessage, control: NonNullable<Published['control']>): Promise<Answer> {
  try {
    const chunks: Buffer[] = []
    let bytes = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length
      if (bytes > limits.bodyBytes) throw new Error('the request is too long')
      chunks.push(chunk)
    }
    return { result: await control(JSON.parse(Buffer.concat(chunks).toString())) }
  } catch (error) {
    const { code, message, details } = failureOf(error)
    return { error: { code, message, details } }
  }
}

/** Compares secrets in constant time. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
