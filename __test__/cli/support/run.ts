import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { Cli, folderFor } from './cli.js'

/** A `run` with its file. */
export interface Runner {
  readonly program: Cli
  readonly ticket: string
  readonly file: string
}

/** Starts the services of a text until the test ends. */
export async function running(t: ExecutionContext, text: string): Promise<Runner> {
  const file = join(folderFor(t), 'fastn-net.toml')
  writeFileSync(file, text)
  const program = new Cli(['run', file, '--json'])
  t.teardown(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  const { ticket } = await program.event('ready')
  return { program, ticket: String(ticket), file }
}

/** A TCP server that echoes each line after its name. Returns its port. */
export async function server(t: ExecutionContext, name: string): Promise<number> {
  return await serverOf(t, socket => socket.on('data', data => socket.write(`${name}: ${data}`)))
}

/** A TCP server. Returns its port. */
export async function serverOf(t: ExecutionContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const listening = createServer(socket => {
    sockets.add(socket)
    serve(socket.on('error', () => {}))
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  })
  return (listening.address() as { port: number }).port
}

/** Sends a text and returns the answer. */
export async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [data] = await once(socket, 'data')
  return String(data)
}

/** The TOML table of a TCP service. */
export function tcp(name: string, port: number | string, more = 'public = true'): string {
  return `[services.${name}]\nkind = "tcp"\nservice = "${name}"\ntarget = ${JSON.stringify(port)}\n${more}\n`
}

/** The TOML table of a bridge to the TCP service with that name. */
export function bridge(peer: string, name: string, port = 0): string {
  return `[services.${name}]\nkind = "tcp-bridge"\npeer = "${peer}"\nservice = "${name}"\nport = ${port}\n`
}
