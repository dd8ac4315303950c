import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint, type PeerStream, Protocol } from 'fastn-net'
import { keepAlive } from '../../helpers/pair.js'
import { Cli, type CliOptions } from './cli.js'

/** Protocol of `send` and `receive`. */
export const transferProtocol = Protocol.generic({ fastn: 'send', v: 1 })

/** A running `receive --json`, and the ticket that it printed. */
export interface RunningReceiver {
  readonly program: Cli
  readonly ticket: string
}

/** Starts a receiver into a folder. Ended when the test ends. */
export async function receiverFor(
  t: ExecutionContext,
  folder: string,
  args: readonly string[] = ['--public'],
  options: CliOptions = {}
): Promise<RunningReceiver> {
  const program = new Cli(['receive', folder, '--json', ...args], options)
  t.teardown(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  const { ticket } = await program.event('ready')
  return { program, ticket: String(ticket) }
}

/** An endpoint of the test, to drive the protocol by hand. */
export async function endpointFor(t: ExecutionContext): Promise<Endpoint> {
  const endpoint = await createEndpoint({ network: 'loopback', closeTimeout: 500 })
  const alive = keepAlive()
  t.teardown(async () => {
    alive[Symbol.dispose]()
    await endpoint.close()
  })
  return endpoint
}

/** A stream to a receiver. */
export async function transferTo(t: ExecutionContext, ticket: string): Promise<PeerStream> {
  const endpoint = await endpointFor(t)
  const stream = await endpoint.getStream(ticket, transferProtocol)
  t.teardown(() => stream.close())
  return stream
}

export const newId = (): string => randomBytes(16).toString('hex')

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Lines of JSON. */
export function linesOf(...values: object[]): string {
  return values.map(value => `${JSON.stringify(value)}\n`).join('')
}

/** Offers one file and sends its bytes, with a digest. Returns the receiver's answer. */
export async function sendByHand(
  stream: PeerStream,
  { path, bytes, sha256 = sha256Of(bytes), name = path.split('/')[0] ?? '' }: HandSent
): Promise<unknown> {
  await stream.write(linesOf({ id: newId(), name, entries: 1 }, { path, size: bytes.length }))
  const first = await stream.nextJson<{ ready?: boolean }>()
  if (first.ready !== true) return first
  await stream.write(linesOf({ file: 0, from: 0 }, { bytes: bytes.length }))
  await stream.write(bytes)
  await stream.write(linesOf({ sha256 }, { end: true }))
  return await stream.nextJson()
}

interface HandSent {
  readonly path: string
  readonly bytes: Uint8Array
  readonly sha256?: string
  readonly name?: string
}

/** Every file in a folder, by its path, with its bytes. Folders end with a slash. */
export function tree(folder: string, prefix = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(folder).sort()) {
    const path = join(folder, name)
    if (statSync(path).isDirectory())
      Object.assign(found, { [`${prefix}${name}/`]: '' }, tree(path, `${prefix}${name}/`))
    else found[`${prefix}${name}`] = sha256Of(readFileSync(path))
  }
  return found
}

/** Ends a program with a signal and waits. */
export async function kill(program: Cli, signal: NodeJS.Signals): Promise<void> {
  program.kill(signal)
  if (program.child.exitCode === null && program.child.signalCode === null) await once(program.child, 'exit')
}
