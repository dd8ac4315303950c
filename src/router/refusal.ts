import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** An error response of the router itself, with a text. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, text: string) {
    super(text)
    this.status = status
  }
}

const fields = {
  'content-type': 'text/plain; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff'
}

/** Sends a refusal. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    // The client must not mistake a partial response for a complete one.
    reset(response.socket)
    return
  }
  const text = textOf(refusal)
  response.writeHead(refusal.status, { ...fields, 'content-length': Buffer.byteLength(text) })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}

/** Sends a refusal on an upgraded connection, and ends it. */
export function refuseRaw(socket: Duplex, refusal: Refusal): void {
  const text = textOf(refusal)
  const all = { ...fields, 'content-length': Buffer.byteLength(text), connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${text}`)
}

function textOf({ status, message }: Refusal): string {
  return `${status} ${STATUS_CODES[status] ?? ''}: ${message}\n`
}

/** Resets a connection, so that it does not look like a clean end. */
export function reset(socket: Duplex | null | undefined): void {
  if (socket === null || socket === undefined || socket.destroyed) return
  const { resetAndDestroy } = socket as { resetAndDestroy?: () => void }
  if (typeof resetAndDestroy !== 'function') {
    // Destroying a peer's stream with an error resets it.
    socket.destroy(new Error('the answer was cut short'))
    return
  }
  try {
    resetAndDestroy.call(socket)
  } catch {
    // Unix sockets have no reset.
    socket.destroy()
  }
}
