import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerDataStream,
  SMTPServerError,
  SMTPServerSession
} from 'smtp-server'
import { MailError } from '../errors.js'
import { LoginGuard } from '../login-guard.js'
import { checkNames, count, invalid } from '../options.js'
import { ClientServer, Clients } from './clients.js'
import { LineEnds } from './line-ends.js'

/** Certificate of a server, in PEM. */
export interface MailTls {
  /** Certificate chain. */
  readonly cert: string | Buffer
  /** Private key. */
  readonly key: string | Buffer
}

/** Options of the SMTP server. */
export interface SmtpOptions {
  /** Address on which it listens. Default: `'127.0.0.1'`. */
  readonly host?: string | undefined
  /** Port; 0 selects a free one. Default: 587. */
  readonly port?: number | undefined
  /**
   * Certificate. Clients must then use STARTTLS before login. Without one, they log in without TLS, which is allowed only on loopback.
   * Default: none.
   */
  readonly tls?: MailTls | undefined
  /** TLS from the first byte, as on port 465, instead of STARTTLS. Default: false. */
  readonly secure?: boolean | undefined
  /** Maximum logged-in connections. Default: 100. */
  readonly maxConnections?: number | undefined
  /** Maximum connections before login. A new one evicts the oldest. Default: 64. */
  readonly maxPendingLogins?: number | undefined
  /** Login deadline, in milliseconds. Default: 60,000. */
  readonly loginTimeout?: number | undefined
  /** Idle timeout of a connection, in milliseconds. Default: 5 min. */
  readonly idleTimeout?: number | undefined
}

/** Backend of the server. */
export interface SmtpBackend {
  readonly maxMessageBytes: number
  /** Verifies credentials; resolves to the user's name. */
  logIn(user: string, password: string): Promise<string | undefined>
  /** @throws {MailError} `ERR_UNAUTHORIZED` if the user may not send as this address. */
  checkSender(user: string, address: string): void
  /** @throws {MailError} `ERR_INVALID_ARGUMENT` for an unknown local address, `ERR_UNAUTHORIZED` for a domain that is not relayed. */
  checkRecipient(address: string): void
  /** Queues a message. Durable when it resolves, with the ID of the mail. */
  submit(
    envelope: { from: string; to: readonly string[] },
    content: AsyncIterable<Uint8Array>,
    check: () => void
  ): Promise<string>
}

const names = ['host', 'port', 'tls', 'secure', 'maxConnections', 'maxPendingLogins', 'loginTimeout', 'idleTimeout']
/** Maximum recipients of a message. */
const maxRecipients = 1000

/** An SMTP server for mail clients: submission, never a relay. */
export class SmtpServer {
  readonly #server: ClientServer
  readonly #clients: Clients
  readonly #backend: SmtpBackend
  readonly #guard = new LoginGuard()
  readonly #host: string
  readonly #port: number

  constructor(options: SmtpOptions, backend: SmtpBackend, id52: string, onError: (error: unknown) => void) {
    checkNames(options, names, 'smtp')
    const { host = '127.0.0.1', tls, secure = false } = options
    if (tls === undefined && !isLoopback(host))
      throw invalid(`smtp.tls is required for ${host}: passwords would cross the network without TLS`)
    if (secure && tls === undefined) throw invalid('smtp.secure needs smtp.tls')
    this.#host = host
    this.#port = count(options.port, 0, 587, 'smtp.port')
    this.#backend = backend
    this.#clients = new Clients({
      maxConnections: count(options.maxConnections, 1, 100, 'smtp.maxConnections'),
      maxPendingLogins: count(options.maxPendingLogins, 1, 64, 'smtp.maxPendingLogins'),
      loginTimeout: count(options.loginTimeout, 1, 60_000, 'smtp.loginTimeout')
    })
    this.#server = new ClientServer({
      name: `${id52}.fastn`,
      banner: 'fastn-mail',
      size: backend.maxMessageBytes,
      rejectOversized: true,
      secure,
      ...(tls === undefined
        ? { disabledCommands: ['STARTTLS'] }
        : { key: tls.key, cert: tls.cert, minVersion: 'TLSv1.2' }),
      authMethods: ['PLAIN', 'LOGIN'],
      // Avoids DNS look-ups of clients, which leave the machine.
      disableReverseLookup: true,
      hideENHANCEDSTATUSCODES: false,
      // Replies are small, and clients wait for each one.
      noDelay: true,
      logger: false,
      socketTimeout: count(options.idleTimeout, 1, 300_000, 'smtp.idleTimeout'),
      closeTimeout: 1000,
      onAuth: (auth, session, done) => {
        void this.#logIn(auth, session).then(
          user => done(null, user),
          (error: unknown) => done(smtpErrorOf(error))
        )
      },
      onMailFrom: (address, session, done) => done(this.#checked(() => this.#checkSender(address, session))),
      onRcptTo: (address, session, done) => done(this.#checked(() => this.#checkRecipient(address, session))),
      onData: (stream, session, done) => {
        void this.#submit(stream, session).then(
          id => done(null, `queued as ${id}`),
          (error: unknown) => {
            stream.resume()
            done(smtpErrorOf(error))
          }
        )
      }
    })
    this.#clients.watch(this.#server)
    this.#server.on('error', (error: NodeJS.ErrnoException & { remote?: unknown }) => {
      // Ignore errors of single connections.
      if (error.syscall === 'listen') return
      onError(error)
    })
  }

  /** Listens. Returns the address and port. */
  async listen(): Promise<{ host: string; port: number }> {
    const { server } = this.#server
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      this.#server.listen(this.#port, this.#host, () => {
        server.off('error', reject)
        resolve()
      })
    })
    const { address, port } = server.address() as AddressInfo
    return { host: address, port }
  }

  /** Number of connections. */
  get connections(): number {
    return this.#server.connections.size
  }

  /** Closes. Notifies clients, and gives them a second. */
  close(): Promise<void> {
    this.#guard.close()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  async #logIn(given: SMTPServerAuthentication, session: SMTPServerSession): Promise<{ user: string }> {
    const name = given.username ?? ''
    const check = async (): Promise<{ user: string } | undefined> => {
      const user = await this.#backend.logIn(name, given.password ?? '')
      return user === undefined ? undefined : { user }
    }
    const checked = () => this.#guard.check(session.remoteAddress, name, check)
    const found = await this.#clients.checking(session, checked)
    if (found === undefined) throw smtpError(535, 'wrong user name or password')
    if (found === 'busy') throw smtpError(454, 'too many attempts; try again later')
    if (!this.#clients.logIn(session)) throw smtpError(421, 'too many connections')
    return found
  }

  #checkSender({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    // The null sender, for example for a client's read receipt.
    if (address !== '') this.#backend.checkSender(userOf(session), address)
  }

  #checkRecipient({ address }: SMTPServerAddress, session: SMTPServerSession): void {
    if (session.envelope.rcptTo.length >= maxRecipients) throw smtpError(452, 'too many recipients')
    this.#backend.checkRecipient(address)
  }

  #checked(work: () => void): SMTPServerError | null {
    try {
      work()
      return null
    } catch (error) {
      return smtpErrorOf(error)
    }
  }

  #submit(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<string> {
    const { mailFrom, rcptTo } = session.envelope
    const from = mailFrom === false ? '' : mailFrom.address
    const lineEnds = new LineEnds()
    const { maxMessageBytes } = this.#backend
    const content = async function* (): AsyncGenerator<Uint8Array> {
      // Always read to the end, because the client reads the answer only afterwards.
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        lineEnds.read(chunk)
        if (!lineEnds.isCertainlyBroken && !stream.sizeExceeded) yield chunk
      }
    }
    return this.#backend.submit({ from, to: rcptTo.map(({ address }) => address) }, content(), () => {
      if (stream.sizeExceeded) throw smtpError(552, `a message may have ${maxMessageBytes} bytes`)
      if (lineEnds.isBroken) throw smtpError(554, 'lines must end with CR LF; a bare CR or LF is not allowed')
    })
  }
}

function userOf({ user }: SMTPServerSession): string {
  return String(user)
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function smtpError(responseCode: number, message: string): SMTPServerError {
  return Object.assign(new Error(message), { responseCode })
}

const replies: Partial<Record<MailError['code'], number>> = {
  ERR_INVALID_ARGUMENT: 550,
  ERR_TOO_LARGE: 552,
  ERR_QUOTA: 452,
  ERR_STORAGE: 452,
  ERR_CLOSED: 421
}

/** The reply to a client, without causes, which may name files. */
function smtpErrorOf(error: unknown): SMTPServerError {
  if (error instanceof Error && 'responseCode' in error) return error as SMTPServerError
  if (!(error instanceof MailError)) return smtpError(451, 'the message cannot be accepted now')
  if (error.code === 'ERR_STORAGE') return smtpError(452, 'the message cannot be stored now')
  // For 550, the library has one enhanced code, for a missing mailbox. It sends a reply with its own enhanced code unchanged.
  if (error.code === 'ERR_UNAUTHORIZED') return smtpError('550 5.7.1' as unknown as number, error.message)
  return smtpError(replies[error.code] ?? 451, error.message)
}
