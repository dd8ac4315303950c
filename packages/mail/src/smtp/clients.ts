import type { Socket } from 'node:net'
import { SMTPServer, type SMTPServerSession } from 'smtp-server'
import type { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { type PendingLogin, PendingLogins } from '../pending-logins.js'

/** Connection limits of an SMTP server. */
export interface ClientLimits {
  /** Maximum logged-in connections. */
  readonly maxConnections: number
  /** Maximum connections before login. */
  readonly maxPendingLogins: number
  /** Login deadline, in milliseconds. */
  readonly loginTimeout: number
}

/** Time for a dropped client to read the reason, in milliseconds. */
const lingerMs = 1000

/** The connections of an SMTP server, with separate limits before and after login. */
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

  /** Starts to admit connections. Call it before the server listens. */
  watch(server: ClientServer): void {
    server.clients = this
    const listeners = server.server.listeners('connection')
    server.server.removeAllListeners('connection')
    server.server.on('connection', (socket: Socket) => {
      // The library adds its error listener later.
      socket.on('error', () => {})
      if (this.#admit(server, socket)) for (const listener of listeners) listener.call(server.server, socket)
    })
  }

  /** Records the session of a connection and its command socket, which may be TLS over the first. */
  hasSession(id: string, socket: Socket): void {
    const client = this.#bySocket.get(nameOf(socket))
    if (!client) return
    client.id = id
    client.top = socket
    this.#byId.set(id, client)
  }

  /** Checks a password. The connection is exempt from eviction meanwhile. */
  async checking<Result>({ id }: SMTPServerSession, check: () => Promise<Result>): Promise<Result> {
    const client = this.#byId.get(id)
    if (client) client.keepsPlace = true
    try {
      return await check()
    } finally {
      if (client) client.keepsPlace = false
    }
  }

  /** Counts a connection as logged in. Returns false above the limit. */
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
      // Allow only the pending password check to finish.
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

/** An SMTP server that exposes the session of each connection. */
export class ClientServer extends SMTPServer {
  clients: Clients | undefined

  override connect(...[socket, options]: Parameters<SMTPServer['connect']>): void {
    if (options?.id !== undefined) this.clients?.hasSession(options.id, socket)
    super.connect(socket, options)
    const connection = [...this.connections].at(-1)
    if (connection) hideRefusedAuth(connection)
  }
}

/** Hides AUTH from EHLO where the library answers it with 538: a server must not advertise it there (RFC 4954, 4). */
function hideRefusedAuth(connection: SMTPConnection): void {
  const send = connection.send.bind(connection)
  connection.send = (code, data, context) => {
    const isRefused = !connection.secure && connection._isSupported('STARTTLS')
    const isEhlo = code === 250 && Array.isArray(data)
    send(code, isEhlo && isRefused ? data.filter(line => !/^AUTH /.test(String(line))) : data, context)
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
    this.end('a newer connection replaced this one before login')
  }

  /** Ends the connection. */
  end(reason: string): void {
    const session = [...this.#server.connections].find(({ id }) => id === this.id)
    if (!session) {
      // During a TLS handshake, the upper socket must be destroyed.
      const upper = this.#server._pendingSockets.get(this.#socket) ?? this.#socket
      upper.destroy()
      return
    }
    session.send(421, reason)
    setTimeout(() => (this.top ?? this.#socket).destroy(), lingerMs).unref()
  }
}

/** Key that a socket and TLS over it share. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
