import { randomBytes, timingSafeEqual } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, rename, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Endpoint } from '../../index.js'
import { version } from '../../version.js'
import type { Context } from '../context.js'
import { failureOf } from '../failure.js'
import { type Registration, statusFolder } from './folder.js'
import { type NamedService, peerStatuses, type Snapshot, serviceStatuses } from './snapshot.js'

/** Bounds of a local client, which may be any program of this user. */
const limits = { connections: 16, headerBytes: 4_096, headersMs: 2_000, requestMs: 5_000 } as const

/** Lets `fastn-net status` see an endpoint and its services while `work` runs. If that fails, it is a hint: no reason to end. */
export async function whilePublished(
  { output, name }: Context,
  endpoint: Endpoint,
  services: () => readonly NamedService[],
  work: () => Promise<void>
): Promise<void> {
  const started = Date.now()
  const snapshot = (): Snapshot => ({
    pid: process.pid,
    version,
    command: name,
    id52: endpoint.id52,
    started,
    time: Date.now(),
    services: serviceStatuses(services()),
    ...peerStatuses(endpoint)
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
  const socket = isWindows ? `\\\\.\\pipe\\fastn-net-${name}` : join(folder, `${name}.sock`)
  const server = createServer(
    { maxHeaderSize: limits.headerBytes, headersTimeout: limits.headersMs, requestTimeout: limits.requestMs },
    (request, response) => answer(request, response, token, snapshot)
  )
  server.maxConnections = limits.connections
  await listening(server, socket)
  if (!isWindows) await chmod(socket, 0o600)
  const registration: Registration = { pid: process.pid, socket, token }
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

function answer(request: IncomingMessage, response: ServerResponse, token: string, snapshot: () => Snapshot): void {
  request.resume()
  if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`)) response.writeHead(401).end()
  else if (request.method !== 'GET' || request.url !== '/') response.writeHead(404).end()
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(snapshot()))
}

/** Compares secrets in constant time. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)]
  return a.length === b.length && timingSafeEqual(a, b)
}
