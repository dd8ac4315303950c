import type { Socket } from 'node:net'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import { type PendingLogin, PendingLogins } from '../pending-logins.js'

/** Bounds of the connections of an SMTP server. */
export interface ClientLimits {
  /** Connections that have logged in. */
  readonly maxConnections: number
  /** Connections that have not. */
  readonly maxPendingLogins: number
  /** Time to log in, in milliseconds. */
  readonly loginTimeout: number
}

/** Time in which a client that is dropped reads why, in milliseconds. */
const lingerMs = 1000

/** The connections of an SMTP server: bounded apart before and after they have logged in. */
export class Clients {
  readonly #limits: ClientLimits
  readonly #pending: PendingLogins
  readonly #bySocket = new Map<string, Client>()
  readonly #byId = new Map<string, Client>()
  readonly #loggedIn = new Set<Client>()

  constructor(limits: ClientLimits) {
    this.#limits = limits
    this.#pending = new PendingLogins(limits.maxPendingLogins)
  }

  /** Admits connections to a server, from now on. Call it before the server listens. */
  watch(server: ClientServer): void {
    server.clients = this
    const listeners = server.server.listeners('connection')
    server.server.removeAllListeners('connection')
    server.server.on('connection', (socket: Socket) => {
      // The library listens for errors a moment later.
      socket.on('error', () => {})
      if (this.#admit(server, socket)) for (const listener of listeners) listener.call(server.server, socket)
    })
  }

  /** Notes the session of a connection, and the socket of its commands, which may be TLS over the first. */
  hasSession(id: string, socket: Socket): void {
    const client = this.#bySocket.get(nameOf(socket))
    if (!client) return
    client.id = id
    client.top = socket
    this.#byId.set(id, client)
  }

  /** Runs the check of a password. The connection keeps its place meanwhile. */
  async checking<Result>({ id }: SMTPServerSession, check: () => Promise<Result>): Promise<Result> {
    const client = this.#byId.get(id)
    if (client) client.keepsPlace = true
    try {
      return await check()
    } finally {
      if (client) client.keepsPlace = false
    }
  }

  /** Counts a connection as one that has logged in. Returns false if there are too many. */
  logIn({ id }: SMTPServerSession): boolean {
    if (this.#loggedIn.size >= this.#limits.maxConnections) return false
    const client = this.#byId.get(id)
    if (client) {
      clearTimeout(client.deadline)
      this.#pending.delete(client)
      this.#loggedIn.add(client)
    }
    return true
  }

  #admit(server: ClientServer, socket: Socket): boolean {
    const client = new Client(server, socket)
    if (!this.#pending.add(client)) {
      socket.destroy()
      return false
    }
    const expire = () => {
      // The password that is being checked is the last.
      if (client.keepsPlace) client.deadline = setTimeout(expire, this.#limits.loginTimeout)
      else client.end('no log-in for too long')
    }
    client.deadline = setTimeout(expire, this.#limits.loginTimeout)
    const name = nameOf(socket)
    this.#bySocket.set(name, client)
    socket.once('close', () => {
      clearTimeout(client.deadline)
      this.#pending.delete(client)
      this.#loggedIn.delete(client)
      this.#bySocket.delete(name)
      if (client.id !== undefined) this.#byId.delete(client.id)
    })
    return true
  }
}

/** An SMTP server that tells of the session of each connection. */
export class ClientServer extends SMTPServer {
  clients: Clients | undefined

  override connect(...[socket, options]: Parameters<SMTPServer['connect']>): void {
    if (options?.id !== undefined) this.clients?.hasSession(options.id, socket)
    super.connect(socket, options)
  }
}

class Client implements PendingLogin {
  keepsPlace = false
  deadline: NodeJS.Timeout | undefined
  id: string | undefined
  top: Socket | undefined
  readonly #server: ClientServer
  readonly #socket: Socket

  constructor(server: ClientServer, socket: Socket) {
    this.#server = server
    this.#socket = socket
  }

  drop(): void {
    this.end('a newer connection took the place of this one, which has not logged in')
  }

  /** Ends the connection. */
  end(reason: string): void {
    const session = [...this.#server.connections].find(({ id }) => id === this.id)
    if (!session) {
      // In a TLS handshake, of which the upper socket must be destroyed.
      const upper = this.#server._pendingSockets.get(this.#socket) ?? this.#socket
      upper.destroy()
      return
    }
    session.send(421, reason)
    setTimeout(() => (this.top ?? this.#socket).destroy(), lingerMs).unref()
  }
}

/** What a socket and TLS over it have in common. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
