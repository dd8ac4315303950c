import { open } from 'node:fs/promises'
import { removeFile } from '../store/maildir.js'
import type { MaildirStore } from '../store/store.js'
import { BadCommand, type Command, type CommandStart, literalMark, parseArguments, startOf, tagOf } from './command.js'
import { type Input, LongLine } from './input.js'
import { type Limits, maxLiterals, maxStrangerBytes } from './limits.js'
import { Goodbye, Refused, refusalOf } from './refused.js'

/** The message of an APPEND in a file. */
export interface Spooled {
  readonly file: string
  readonly bytes: number
}

/** A command with its message, if it is an APPEND. */
export interface ReadCommand extends Command {
  readonly spooled: Spooled | undefined
}

/** Context for reading a command. */
export interface CommandSource {
  readonly input: Input
  readonly limits: Limits
  /** The user's mail; `undefined` before login. */
  readonly store: MaildirStore | undefined
  /** Requests a literal from the client. */
  continueLiteral(): Promise<void>
}

/** The error of a command, with the tag for its answer. */
export class CommandError extends Error {
  readonly tag: string

  constructor(tag: string, cause: unknown) {
    super('the command was refused', { cause })
    this.tag = tag
  }
}

/**
 * Reads the next command with its literals. Rejects with {@link CommandError} for a refused command, after consuming it, so that the next one
 * can follow. Rejects with `InputEnded` or {@link Goodbye} if none can.
 */
export async function readCommand(source: CommandSource): Promise<ReadCommand> {
  const { limits, input } = source
  const max = source.store ? limits.maxLineBytes : Math.min(limits.maxLineBytes, maxStrangerBytes)
  const timeout = source.store ? limits.idleTimeoutMs : limits.loginTimeoutMs
  const line = await input.line(max, timeout, limits.stallTimeoutMs)
  const reading = new Reading(source, line, max)
  try {
    return await reading.whole()
  } catch (error) {
    await reading.dropSpooled()
    throw error
  }
}

/** Removes a command's leftover file. */
export async function dropSpooled(command: ReadCommand): Promise<void> {
  if (command.spooled) await removeFile(command.spooled.file).catch(() => {})
}

const literalAtEnd = /(~?)\{(\d{1,10})(\+?)\}$/

class Reading {
  readonly #source: CommandSource
  readonly #maxLine: number
  readonly #maxLiteral: number
  #line = ''
  #start: CommandStart | undefined
  #text = ''
  #literals: string[] = []
  #literalBytes = 0
  #spooled: Spooled | undefined
  #failure: unknown

  constructor(source: CommandSource, line: string | LongLine, maxLine: number) {
    this.#source = source
    this.#maxLine = maxLine
    this.#maxLiteral = source.store
      ? source.limits.maxLiteralBytes
      : Math.min(source.limits.maxLiteralBytes, maxStrangerBytes)
    if (line instanceof LongLine) {
      this.#line = line.end
      this.#failure = new BadCommand(`a line has at most ${maxLine} bytes`, tagOf(line.start))
      return
    }
    this.#line = line
    try {
      this.#start = startOf(line)
      this.#line = this.#start.rest
    } catch (error) {
      this.#failure = error
    }
  }

  async whole(): Promise<ReadCommand> {
    for (;;) {
      const found = literalAtEnd.exec(this.#line)
      if (!found) break
      this.#text += this.#line.slice(0, found.index) + literalMark
      if (found[1] === '~') this.#fail(new BadCommand('binary literals are not supported'))
      await this.#literal(Number(found[2]), found[3] === '+')
      await this.#nextLine()
    }
    this.#text += this.#line
    const tag = this.#tag
    try {
      if (this.#failure) throw this.#failure
      if (!this.#start) throw new BadCommand('the command is invalid')
      const args = parseArguments(tag, this.#text, this.#literals)
      return { tag, name: this.#start.name, args, spooled: this.#spooled }
    } catch (error) {
      throw new CommandError(tag, error)
    }
  }

  async dropSpooled(): Promise<void> {
    if (this.#spooled) await removeFile(this.#spooled.file).catch(() => {})
  }

  get #tag(): string {
    return this.#start?.tag ?? (this.#failure instanceof BadCommand ? this.#failure.tag : '*')
  }

  #fail(error: unknown): void {
    this.#failure ??= error
  }

  async #nextLine(): Promise<void> {
    const { limits, input } = this.#source
    const line = await input.line(Math.max(0, this.#maxLine - this.#text.length), limits.stallTimeoutMs)
    if (line instanceof LongLine)
      this.#fail(new BadCommand(`a command has at most ${this.#maxLine} bytes without its literals`))
    // The end of an overlong line may announce a literal, which is a part of the command.
    this.#line = line instanceof LongLine ? line.end : line
  }

  async #literal(bytes: number, isSent: boolean): Promise<void> {
    const { store, limits } = this.#source
    const isMessage =
      store !== undefined && this.#start?.name === 'APPEND' && this.#text !== literalMark && !this.#spooled
    if (this.#literals.length >= maxLiterals)
      this.#fail(new BadCommand(`a command has at most ${maxLiterals} literals`))
    if (isMessage) {
      if (bytes > limits.maxMessageBytes)
        this.#fail(new Refused(`a message has at most ${limits.maxMessageBytes} bytes`, 'TOOBIG'))
      this.#attempt(() => store.checkQuota(bytes))
    } else {
      this.#literalBytes += bytes
      if (this.#literalBytes > this.#maxLiteral)
        this.#fail(new BadCommand(`literals have at most ${this.#maxLiteral} bytes`))
    }
    if (this.#failure) {
      // A client that waits for a continuation sends its next command instead.
      if (!isSent) throw new CommandError(this.#tag, this.#failure)
      if (bytes > limits.maxMessageBytes * 2 || !store) throw new Goodbye('the literal is too large')
      for await (const _ of this.#source.input.bytes(bytes, limits.stallTimeoutMs));
      this.#literals.push('')
      return
    }
    if (!isSent) await this.#source.continueLiteral()
    if (isMessage) await this.#spool(store, bytes)
    else this.#literals.push(await this.#collect(bytes))
  }

  #attempt(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.#fail(refusalOf(error))
    }
  }

  async #collect(bytes: number): Promise<string> {
    const chunks: string[] = []
    for await (const chunk of this.#source.input.bytes(bytes, this.#source.limits.stallTimeoutMs)) {
      chunks.push(chunk.toString('latin1'))
    }
    return chunks.join('')
  }

  /** Writes the message to a file. On failure, still consumes the rest, to find the next command. */
  async #spool(store: MaildirStore, bytes: number): Promise<void> {
    const file = store.spoolPath()
    this.#spooled = { file, bytes }
    this.#literals.push('')
    const fail = () => this.#fail(new Refused('the disk is full, read-only or failing', 'UNAVAILABLE'))
    const handle = await open(file, 'wx', 0o600).catch(fail)
    try {
      for await (const chunk of this.#source.input.bytes(bytes, this.#source.limits.stallTimeoutMs)) {
        if (this.#failure || !handle) continue
        await handle.writeFile(chunk).catch(fail)
      }
    } finally {
      await handle?.close()
    }
  }
}
