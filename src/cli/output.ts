import { fstatSync } from 'node:fs'
import type { WriteStream } from 'node:tty'
import { jsonSafe, printable } from '../util/display.js'
import type { Failure } from './failure.js'

/** Control sequences of a terminal. */
const eraseLine = '\r\u001b[2K'

/** Priorities of syslog. */
const priorities = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 } as const

/** Whether stderr is connected to journald, according to systemd. */
function isJournal(): boolean {
  const { JOURNAL_STREAM } = process.env
  if (JOURNAL_STREAM === undefined) return false
  const { dev, ino } = fstatSync(2, { bigint: true })
  return JOURNAL_STREAM === `${dev}:${ino}`
}

/** Output settings of a command. */
export interface OutputOptions {
  readonly json: boolean
  readonly quiet: boolean
}

/** One line of `--json`. */
export interface Event {
  readonly event: string
  readonly [name: string]: unknown
}

/** Data goes to stdout; progress, hints and errors go to stderr. With `--json`, everything is an object on stdout. */
export class Output {
  readonly json: boolean
  readonly quiet: boolean
  /** Whether the terminal shows a progress line. */
  #hasLine = false
  #journal: boolean | undefined

  constructor(options: OutputOptions) {
    this.json = options.json
    this.quiet = options.quiet
  }

  /** Whether stderr shows progress: a terminal, without `--json` and `--quiet`. */
  get showsProgress(): boolean {
    return process.stderr.isTTY && !this.json && !this.quiet
  }

  /** Width of the terminal on stderr. */
  get columns(): number {
    // Terminals without a known size report 0.
    return process.stderr.columns || 80
  }

  /** Prints a line of data, or with `--json` an event instead. */
  async result(line: string, event: Event): Promise<void> {
    this.clearProgress()
    await write(process.stdout, `${this.json ? json(event) : line}\n`)
  }

  /** Prints an event, with `--json` only. */
  async event(event: Event): Promise<void> {
    if (this.json) await write(process.stdout, `${json(event)}\n`)
  }

  /** Prints several lines of data, without `--json` only. */
  async text(text: string): Promise<void> {
    if (!this.json) await write(process.stdout, text)
  }

  /** Prints raw bytes of data. */
  async bytes(bytes: Uint8Array): Promise<void> {
    await write(process.stdout, bytes)
  }

  /** Prints a hint. */
  hint(text: string): void {
    if (this.json || this.quiet) return
    this.clearProgress()
    this.log('info', text)
  }

  /** Prints lines to stderr, with their priority for journald, as in sd-daemon(3). */
  log(level: keyof typeof priorities, text: string): void {
    this.#journal ??= isJournal()
    const start = this.#journal ? `<${priorities[level]}>` : ''
    process.stderr.write(text.replace(/^/gm, start).concat('\n'))
  }

  /** Replaces the progress line of the terminal. */
  progress(line: string): void {
    if (!this.showsProgress) return
    this.#hasLine = true
    process.stderr.write(`${eraseLine}${fitting(line, this.columns - 1)}`)
  }

  /** Removes the progress line. */
  clearProgress(): void {
    if (!this.#hasLine) return
    this.#hasLine = false
    process.stderr.write(eraseLine)
  }

  /** Reports a failure: a line of stderr, or an event. */
  async failure({ code, message, details }: Failure, prefix: string): Promise<void> {
    this.clearProgress()
    if (this.json) await write(process.stdout, `${json({ event: 'error', code, message, ...details })}\n`)
    else this.log('error', `${prefix}: ${message}`)
  }

  /** Makes text of a peer safe for a terminal. Unchanged if stdout is not a terminal. */
  shown(text: string): string {
    return process.stdout.isTTY ? printable(text) : text
  }
}

/** Truncates a line to a width. Characters beyond Latin count as two columns, because many are wide. */
function fitting(line: string, width: number): string {
  let [text, columns] = ['', 0]
  for (const character of line) {
    columns += character < '\u0300' ? 1 : 2
    if (columns > width) break
    text += character
  }
  return text
}

/** Whether a stream supports colours. */
export function hasColours(stream: WriteStream): boolean {
  const { NO_COLOR, TERM } = process.env
  return stream.isTTY && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb'
}

/** Bold text, if the stream supports colours. */
export function strongFor(stream: WriteStream): (text: string) => string {
  return hasColours(stream) ? text => `\u001b[1m${text}\u001b[22m` : text => text
}

/** Resolves once the stream has drained. */
async function write(stream: NodeJS.WriteStream, chunk: string | Uint8Array): Promise<void> {
  await new Promise<void>(resolve => {
    // An error also ends the wait; the stream's error handler decides how to continue.
    if (stream.write(chunk, () => resolve()) || stream.destroyed) resolve()
  })
}

function json(event: Event): string {
  return JSON.stringify(jsonSafe({ ...event }))
}
