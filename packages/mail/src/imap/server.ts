import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { MailError } from '../errors.js'
import { LoginGuard } from '../login-guard.js'
import { PendingLogins } from '../pending-logins.js'
import { ByteBudget } from './budget.js'
import { Connection } from './connection.js'
import { checkLimits, type ImapLimits } from './limits.js'
import type { Authenticate, Shared } from './shared.js'

/** Options of {@link startImap}. */
export interface ImapOptions {
  /** Address to listen on; `'127.0.0.1'` by default. */
  host?: string
  /** Port; 0, the default, selects a free one. */
  port?: number
  /**
   * Key and certificate, as for `tls.createSecureContext`. With them, clients can use STARTTLS. Without them, only clients on this machine can
   * log in.
   */
  tls?: SecureContextOptions
  /** Start each connection with TLS, as on port 993; STARTTLS by default. */
  implicitTls?: boolean
  /** Verifies credentials. Returns the user's mail, or `undefined` if they are wrong. */
  authenticate: Authenticate
  /** Limits of connections, commands and messages. */
  limits?: ImapLimits
  /** Receives unexpected errors. They close a connection, never the server. */
  onError?: (error: unknown) => void
  /** Closes the server without waiting for its sessions. */
  signal?: AbortSignal
}

/** A running server. */
export interface ImapServer extends AsyncDisposable {
  /** Its address. */
  readonly address: {
    /** Address of the interface. */
    readonly host: string
    /** Port. */
    readonly port: number
  }
  /** Number of connections. */
  readonly connections: number
  /**
   * Stops listening, and ends each session once its command is answered. Sessions that run after `timeout` milliseconds (5,000 by default) are
   * cut off. Stores stay open.
   */
  close(options?: { timeout?: number }): Promise<void>
}

const optionNames = ['host', 'port', 'tls', 'implicitTls', 'authenticate', 'limits', 'onError', 'signal']

/**
 * Starts an IMAP server (IMAP4rev1 with IDLE, UIDPLUS, MOVE, SPECIAL-USE, CONDSTORE, LIST-STATUS and others). It keeps the process alive until
 * it is closed. Passwords are accepted only over TLS or from this machine. A failed login takes one second. After ten in a minute for one user from
 * one address, further attempts are delayed by one to eight seconds, correct ones included.
 *
 * Rejects with `ERR_INVALID_ARGUMENT`; `ERR_CLOSED` if the signal is aborted; with a system error such as `EADDRINUSE` if the address
 * is unavailable.
 *
 * @example
 * const server = await startImap({
 *   port: 1143,
 *   authenticate: (user, password) => (user === 'alice' && password === secret ? store : undefined)
 * })
 */
export async function startImap(options: ImapOptions): Promise<ImapServer> {
  const {
    host = '127.0.0.1',
    port = 0,
    tls,
    implicitTls = false,
    authenticate,
    limits,
    onError = () => {},
    signal
  } = options
  const unknown = Object.keys(options).find(name => !optionNames.includes(name))
  if (unknown !== undefined)
    throw new MailError('ERR_INVALID_ARGUMENT', `unknown option '${unknown}'; options: ${optionNames.join(', ')}`)
  if (typeof authenticate !== 'function') throw new MailError('ERR_INVALID_ARGUMENT', 'authenticate must be a function')
  if (implicitTls && !tls) throw new MailError('ERR_INVALID_ARGUMENT', 'implicitTls needs tls: a key and a certificate')
  if (signal?.aborted) throw new MailError('ERR_CLOSED', 'the signal is aborted')
  const checked = checkLimits(limits)
  const shared: Shared = {
    limits: checked,
    authenticate,
    loginGuard: new LoginGuard(),
    pendingLogins: new PendingLogins(checked.maxPendingLogins),
    parsed: new ByteBudget(checked.maxParsedBytes),
    secureContext: tls && secureContextOf(tls),
    onError,
    users: new Map()
  }
  const server = new RunningServer(shared, implicitTls)
  await server.listen(host, port)
  if (signal) server.closeOn(signal)
  return server
}

function secureContextOf(tls: SecureContextOptions): SecureContext {
  try {
    return createSecureContext({ minVersion: 'TLSv1.2', ...tls })
  } catch (error) {
    throw new MailError('ERR_INVALID_ARGUMENT', `the key or certificate of tls is invalid: ${String(error)}`, {
      cause: error
    })
  }
}

class RunningServer implements ImapServer {
  readonly #server: Server
  readonly #shared: Shared
  readonly #implicitTls: boolean
  readonly #connections = new Map<Connection, Promise<void>>()
  #address = { host: '', port: 0 }
  #closed: Promise<void> | undefined

  constructor(shared: Shared, implicitTls: boolean) {
    this.#shared = shared
    this.#implicitTls = implicitTls
    // Half-open, so that a client that sends all commands and a FIN still gets its answers.
    this.#server = createServer({ allowHalfOpen: true }, socket => this.#accept(socket))
  }

  get address(): { readonly host: string; readonly port: number } {
    return this.#address
  }

  get connections(): number {
    return this.#connections.size
  }

  async listen(host: string, port: number): Promise<void> {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    this.#server.on('error', this.#shared.onError)
    const address = this.#server.address()
    if (address !== null && typeof address === 'object') this.#address = { host: address.address, port: address.port }
  }

  closeOn(signal: AbortSignal): void {
    const abort = () => void this.close({ timeout: 0 })
    signal.addEventListener('abort', abort, { once: true })
    this.#server.once('close', () => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  }

  async close({ timeout = 5000 }: { timeout?: number } = {}): Promise<void> {
    this.#closed ??= this.#close(timeout)
    await this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(timeout: number): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#shared.loginGuard.close()
    for (const connection of this.#connections.keys()) connection.close()
    const expired = new AbortController()
    const sessions = Promise.all(this.#connections.values())
    await Promise.race([sessions, delay(timeout, undefined, { signal: expired.signal }).catch(() => {})])
    expired.abort()
    for (const connection of this.#connections.keys()) connection.destroy()
    await Promise.all([sessions, closed])
  }

  #accept(socket: Socket): void {
    const connection = new Connection(socket, this.#shared)
    if (this.#closed || !this.#shared.pendingLogins.add(connection)) {
      socket.on('error', () => {})
      if (!this.#implicitTls) socket.write('* BYE [UNAVAILABLE] too many connections\r\n')
      socket.end()
      socket.resume()
      setTimeout(() => socket.destroy(), 2000).unref()
      return
    }
    const served = connection.serve({ isTls: this.#implicitTls }).finally(() => {
      this.#connections.delete(connection)
      this.#shared.pendingLogins.delete(connection)
    })
    this.#connections.set(connection, served)
  }
}
