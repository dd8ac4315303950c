import { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

const sockets = new WeakMap<object, KeptSocket>()

/** Connections that an `http.Server` keeps for further requests. */
export class KeptSockets {
  readonly #open = new Map<Duplex, KeptSocket>()
  #isStopped = false
  #onEmpty: (() => void) | undefined

  /** Number of open connections. */
  get size(): number {
    return this.#open.size
  }

  /**
   * Adds a connection. Returns false if it is known.
   *
   * @param isPromised Whether its first request is answered even if it arrives after {@link stop}.
   */
  add(socket: Duplex, isPromised: boolean): boolean {
    if (this.#open.has(socket)) return false
    const kept = new KeptSocket(socket, isPromised)
    sockets.set(socket, kept)
    this.#open.set(socket, kept)
    socket.once('close', () => {
      this.#open.delete(socket)
      if (this.#open.size === 0) this.#onEmpty?.()
    })
    if (this.#isStopped) kept.stop()
    return true
  }

  /** Ends idle connections, and the others after the responses in progress. Connections without HTTP continue. */
  stop(): void {
    this.#isStopped = true
    for (const kept of this.#open.values()) kept.stop()
  }

  /** Resolves when all connections have closed. */
  async closed(): Promise<void> {
    if (this.#open.size === 0) return
    await new Promise<void>(resolve => {
      this.#onEmpty = resolve
    })
  }

  /** Resets all connections. */
  reset(reason: Error): void {
    for (const socket of this.#open.keys()) socket.destroy(reason)
  }
}

/** A server received a request on a connection. `response`: its `ServerResponse`; anything else takes over the connection. */
export function beginRequest(socket: object, response: unknown): void {
  sockets.get(socket)?.begin(response)
}

/** A connection that was taken over carries HTTP again. `isPromised`: see {@link KeptSockets.add}. */
export function giveBack(socket: object, isPromised: boolean): void {
  sockets.get(socket)?.giveBack(isPromised)
}

class KeptSocket {
  readonly #socket: Duplex
  readonly #unanswered = new Set<ServerResponse>()
  /** Whether the promised request has not arrived. */
  #isPromised: boolean
  #isTakenOver = false
  #isStopped = false

  constructor(socket: Duplex, isPromised: boolean) {
    this.#socket = socket
    this.#isPromised = isPromised
  }

  begin(response: unknown): void {
    this.#isPromised = false
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

  giveBack(isPromised: boolean): void {
    this.#isTakenOver = false
    this.#isPromised = isPromised
    this.#endIfIdle()
  }

  stop(): void {
    this.#isStopped = true
    // Sends `Connection: close`, unless the head has been sent.
    for (const response of this.#unanswered) response.shouldKeepAlive = false
    this.#endIfIdle()
  }

  #endIfIdle(): void {
    const isIdle = !this.#isPromised && this.#unanswered.size === 0 && !this.#isTakenOver
    const socket = this.#socket
    if (this.#isStopped && isIdle) socket.end(() => socket.destroy())
  }
}
