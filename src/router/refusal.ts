import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** An answer that the router gives by itself, with a text for a person. */
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

/** Answers with a refusal. */
export function refuse(response: ServerResponse, refusal: Refusal): void {
  if (response.headersSent || response.destroyed) {
    // A client must not take a part for the whole.
    reset(response.socket)
    return
  }
  const text = textOf(refusal)
  response.writeHead(refusal.status, { ...fields, 'content-length': Buffer.byteLength(text) })
  response.end(response.req.method === 'HEAD' ? undefined : text)
}

/** Answers with a refusal on a connection that is no longer HTTP's, and ends it. */
export function refuseRaw(socket: Duplex, refusal: Refusal): void {
  const text = textOf(refusal)
  const all = { ...fields, 'content-length': Buffer.byteLength(text), connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}\r\n${lines.join('')}\r\n${text}`)
}

function textOf({ status, message }: Refusal): string {
  return `${status} ${STATUS_CODES[status] ?? ''}: ${message}\n`
}

/** Ends a connection so that its client does not take it for a clean end. */
export function reset(socket: Duplex | null | undefined): void {
  if (socket === null || socket === undefined || socket.destroyed) return
  const { resetAndDestroy } = socket as { resetAndDestroy?: () => void }
  if (typeof resetAndDestroy !== 'function') {
    // The stream of a peer: with an error, it is reset.
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
