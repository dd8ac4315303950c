import type { Output } from './output.js'
import { formatSize, formatTime } from './units.js'

/** Update intervals of the terminal and of `--json`. */
const terminalMs = 100
const jsonMs = 1000
/** Window of the mean rate. */
const windowMs = 5000

/** Options of {@link ProgressDisplay}. */
export interface ProgressOptions {
  /** Total bytes; `null` if unknown. */
  readonly total: number | null
  /** Further members of the objects of `--json`. */
  readonly eventMembers?: Readonly<Record<string, unknown>>
  /** Called after each transfer of bytes. */
  readonly onBytes?: () => void
}

/** Shows the progress of a transfer: a line with rate and remaining time on a terminal, objects with `--json`. */
export class ProgressDisplay {
  readonly #output: Output
  readonly #what: string
  readonly #options: ProgressOptions
  readonly #samples: { time: number; moved: number }[] = []
  readonly #started = performance.now()
  #last = Number.NEGATIVE_INFINITY
  /** Bytes at the receiver. */
  done = 0
  /** Bytes sent in this run. */
  moved = 0

  /** `what`: the name of the transfer, on the line. */
  constructor(output: Output, what: string, options: ProgressOptions) {
    this.#output = output
    this.#what = what
    this.#options = options
  }

  /** Seconds since the start. */
  get seconds(): number {
    return Math.round(performance.now() - this.#started) / 1000
  }

  /** Adds bytes that the receiver already has. */
  skip(bytes: number): void {
    this.done += bytes
  }

  /** Adds transferred bytes. */
  async add(bytes: number): Promise<void> {
    const { total, eventMembers, onBytes } = this.#options
    this.done += bytes
    this.moved += bytes
    onBytes?.()
    const now = performance.now()
    if (now - this.#last < (this.#output.json ? jsonMs : terminalMs)) return
    this.#last = now
    this.#samples.push({ time: now, moved: this.moved })
    while (now - (this.#samples[0]?.time ?? now) > windowMs) this.#samples.shift()
    const size = total === null ? {} : { total }
    await this.#output.event({ event: 'progress', ...eventMembers, bytes: this.done, ...size })
    if (this.#output.showsProgress) this.#output.progress(this.#line())
  }

  /** Size, rate and time of a finished transfer. */
  summary(): string {
    const rate = formatSize(this.moved / Math.max(this.seconds, 0.001))
    return `${formatSize(this.moved)} in ${formatTime(this.seconds)}, ${rate}/s`
  }

  #line(): string {
    const { total } = this.#options
    const rate = this.#rate()
    const speed = rate === undefined ? '' : `, ${formatSize(rate)}/s`
    if (total === null) return `${this.#what}: ${formatSize(this.done)}${speed}`
    const percent = total === 0 ? 100 : Math.floor((this.done / total) * 100)
    const left = rate === undefined || rate === 0 ? '' : `, ${formatTime((total - this.done) / rate)} left`
    return `${this.#what}: ${percent} % of ${formatSize(total)}${speed}${left}`
  }

  /** Bytes per second; `undefined` at the start. */
  #rate(): number | undefined {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.time - first.time < 500) return undefined
    return ((last.moved - first.moved) / (last.time - first.time)) * 1000
  }
}
