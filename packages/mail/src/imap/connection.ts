import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import type { PendingLogin } from '../pending-logins.js'
import { BadCommand } from './command.js'
import { capabilities } from './commands/session-commands.js'
import { dispatch } from './dispatch.js'
import { type EndReason, InputEnded } from './input.js'
import { maxBadCommands } from './limits.js'
import { CommandError, dropSpooled, type ReadCommand, readCommand } from './read-command.js'
import { Goodbye, Refused, refusalOf } from './refused.js'
import { Session } from './session.js'
import type { Shared } from './shared.js'

/** Maximum bad commands and wrong passwords of a connection before login. */
const maxStrangerFailures = 5

/** Timeout of a TLS handshake, in milliseconds. */
const handshakeMs = 15_000

/** Time for a client to read the final response, in milliseconds. */
const lingerMs = 2000

/** The final response of a connection that the server closes. */
const reasons: Readonly<Record<EndReason, string>> = {
  end: 'logging out',
  timeout: 'no command for too long',
  closed: 'the server closes',
  dropped: '[UNAVAILABLE] a newer connection replaced this one before login'
}

/** One client. */
export class Connection implements PendingLogin {
  readonly #socket: Socket
  readonly #shared: Shared
  #stream: Duplex
  #session: Session | undefined
  #isClosing = false
  /** TLS whose handshake is not complete. */
  #handshaking: TLSSocket | undefined
  #failures = 0
  /** Token bucket of commands, and the time of its last refill. */
  #tokens: number
  #countedAt = performance.now()

  constructor(socket: Socket, shared: Shared) {
    this.#socket = socket
    this.#stream = socket
    this.#shared = shared
    this.#tokens = shared.limits.maxCommandRate * 10
  }

  get hasLoggedIn(): boolean {
    return this.#session?.store !== undefined
  }

  get keepsPlace(): boolean {
    return this.hasLoggedIn || this.#session?.isLoggingIn === true
  }

  drop(): void {
    this.#end('dropped')
  }

  /** Serves the client until the connection ends. Never rejects. */
  async serve({ isTls }: { isTls: boolean }): Promise<void> {
    const socket = this.#socket
    // Without a listener, a socket error would end the process. The reader handles the end.
    socket.on('error', () => {})
    socket.setNoDelay(true)
    // A pending password check may finish until the next round.
    const deadline = setInterval(() => {
      if (!this.keepsPlace) this.#end('timeout')
    }, this.#shared.limits.loginTimeoutMs)
    try {
      if (isTls) this.#stream = await this.#handshake()
      await this.#commands(isTls)
    } catch (error) {
      this.#report(error)
    } finally {
      clearInterval(deadline)
      this.#leave()
    }
  }

  /** Closes the session after the current command. */
  close(): void {
    this.#isClosing = true
    if (this.#session) this.#session.input.stop()
    else this.destroy()
  }

  destroy(): void {
    // Before the socket below it, whose end in the middle of a handshake Node.js may not survive.
    this.#handshaking?.destroy()
    this.#stream.destroy()
    this.#socket.destroy()
  }

  /** Closes a connection before login. */
  #end(reason: 'timeout' | 'dropped'): void {
    if (!this.#session || this.#handshaking) {
      this.destroy()
      return
    }
    this.#session.input.stop(reason)
    // The client may not be reading.
    const timer = setTimeout(() => this.destroy(), lingerMs)
    this.#socket.once('close', () => clearTimeout(timer))
  }

  async #commands(isTls: boolean): Promise<void> {
    const remoteAddress = this.#socket.remoteAddress ?? ''
    const isPrivate = isTls || isLoopback(remoteAddress)
    const session = new Session(this.#stream, this.#shared, { remoteAddress, isPrivate, isTls })
    this.#session = session
    session.output.line(`* OK [CAPABILITY ${capabilities(session)}] fastn-mail is ready`)
    await session.output.flush()
    while (session.after !== 'logout') {
      if (this.#isClosing) throw new Goodbye('the server closes')
      await this.#next(session)
      await session.output.flush()
      if (session.after === 'starttls') await this.#startTls(session)
    }
    this.#stream.end()
  }

  async #next(session: Session): Promise<void> {
    let command: ReadCommand | undefined
    try {
      command = await readCommand(session)
      await this.#pace()
      const answer = await dispatch(session, command)
      session.output.line(`${command.tag} ${answer}`)
      if (this.hasLoggedIn) {
        this.#failures = 0
        this.#shared.pendingLogins.delete(this)
      }
    } catch (error) {
      this.#answer(session, command?.tag, error)
    } finally {
      if (command) await dropSpooled(command)
    }
  }

  /** Answers a failed command. Rethrows errors that close the connection. */
  #answer(session: Session, tag: string | undefined, thrown: unknown): void {
    const error = refusalOf(thrown instanceof CommandError ? thrown.cause : thrown)
    const label = thrown instanceof CommandError ? thrown.tag : tag
    if (label === undefined) throw error
    if (error instanceof Refused) {
      const code = error.responseCode === undefined ? '' : `[${error.responseCode}] `
      session.output.line(`${label === '*' ? '* BAD' : `${label} NO`} ${code}${error.message}`)
      if (error.responseCode === 'AUTHENTICATIONFAILED') this.#failures++
    } else if (error instanceof BadCommand) {
      session.output.line(`${label === '*' ? '*' : label} BAD ${error.message}`)
      this.#failures++
    } else throw error
    if (this.#failures >= (this.hasLoggedIn ? maxBadCommands : maxStrangerFailures))
      throw new Goodbye('too many bad commands')
  }

  /** Throttles a client that exceeds its command rate. */
  async #pace(): Promise<void> {
    const { maxCommandRate } = this.#shared.limits
    const now = performance.now()
    this.#tokens = Math.min(maxCommandRate * 10, this.#tokens + ((now - this.#countedAt) * maxCommandRate) / 1000)
    this.#countedAt = now
    if (this.#tokens < 1) await delay(((1 - this.#tokens) * 1000) / maxCommandRate)
    this.#tokens--
  }

  async #startTls(session: Session): Promise<void> {
    session.after = undefined
    // Plain-text commands must not be treated as if they arrived through TLS.
    if (session.input.hasMore) throw new Goodbye('nothing may follow STARTTLS')
    session.input.detach()
    const stream = await this.#handshake()
    this.#stream = stream
    session.input.switchTo(stream)
    session.output.switchTo(stream)
    session.isTls = true
    session.isPrivate = true
  }

  async #handshake(): Promise<Duplex> {
    const { secureContext } = this.#shared
    const stream = new TLSSocket(this.#socket, { isServer: true, ...(secureContext && { secureContext }) })
    this.#handshaking = stream
    stream.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => stream.destroy(), handshakeMs)
      const settle = (done: () => void) => () => {
        clearTimeout(timer)
        done()
      }
      stream.once('secure', settle(resolve))
      stream.once(
        'close',
        settle(() => reject(new InputEnded('end')))
      )
    })
    this.#handshaking = undefined
    return stream
  }

  /** Closes the connection after an error, with a final response if the client can still read it. */
  #report(error: unknown): void {
    const session = this.#session
    if (error instanceof InputEnded && error.reason === 'end') {
      this.#stream.end()
      return
    }
    const isKnown = error instanceof Goodbye || error instanceof InputEnded
    if (!isKnown) this.#shared.onError(error)
    // An unexpected error may have interrupted a response: further text would be parsed as a part of it.
    if (!isKnown || !session) {
      this.destroy()
      return
    }
    const reason = error instanceof Goodbye ? error.message : reasons[error.reason]
    session.output.line(`* BYE ${reason}`)
    const isDropped = error instanceof InputEnded && error.reason === 'dropped'
    void session.output.flush().then(() => this.#stream.end(isDropped ? () => this.destroy() : undefined))
  }

  #leave(): void {
    const user = this.#session?.user
    if (user !== undefined) {
      const left = (this.#shared.users.get(user) ?? 1) - 1
      if (left === 0) this.#shared.users.delete(user)
      else this.#shared.users.set(user, left)
    }
    // Give the client time to read the final response.
    const timer = setTimeout(() => this.destroy(), lingerMs)
    timer.unref()
    this.#socket.once('close', () => clearTimeout(timer))
    this.#stream.resume()
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address)
}
