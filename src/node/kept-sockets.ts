import { ServerResponse } from 'node:http'
import type { PeerDuplex } from './duplex.js'

const sockets = new WeakMap<object, KeptSocket>()

/** Sockets of one listener, which an `http.Server` keeps for further requests. */
export class KeptSockets {
  readonly #open = new Set<KeptSocket>()

  add(socket: PeerDuplex): void {
    const kept = new KeptSocket(socket)
    sockets.set(socket, kept)
    this.#open.add(kept)
    socket.once('close', () => this.#open.delete(kept))
  }

  /** The listener has stopped: ends the sockets that wait for a further request, and the others behind their answer. */
  stop(): void {
    for (const kept of this.#open) kept.stop()
  }
}

/** A server passes on a request of this socket. `response`: its `ServerResponse`; anything else takes over the socket. */
export function beginRequest(socket: object, response: unknown): void {
  sockets.get(socket)?.begin(response)
}

class KeptSocket {
  readonly #socket: PeerDuplex
  readonly #unanswered = new Set<ServerResponse>()
  #hasBegun = false
  #isTakenOver = false
  #isStopped = false

  constructor(socket: PeerDuplex) {
    this.#socket = socket
  }

  begin(response: unknown): void {
    this.#hasBegun = true
    if (!(response instanceof ServerResponse)) {
      this.#isTakenOver = true
      return
    }
    if (this.#isStopped) response.shouldKeepAlive = false
    this.#unanswered.add(response)
    response.once('close', () => {
      this.#unanswered.delete(response)
      this.#endIfIdle()
    })
  }

  stop(): void {
    this.#isStopped = true
    // Sends `Connection: close`, if the head is still to be sent.
    for (const response of this.#unanswered) response.shouldKeepAlive = false
    this.#endIfIdle()
  }

  /** The first request of a stream is answered even if it comes later: its caller was promised so. */
  #endIfIdle(): void {
    const isIdle = this.#hasBegun && this.#unanswered.size === 0 && !this.#isTakenOver
    const socket = this.#socket
    if (this.#isStopped && isIdle) socket.end(() => socket.destroy())
  }
}
