import { native } from '../native/addon.js'

/**
 * Reports the rig's state to systemd, for units with `Type=notify` or `Type=notify-reload`. No-op elsewhere. Ignores messages that cannot be
 * sent.
 */
export class ServiceManager {
  readonly #isAsked: boolean
  #watchdog: NodeJS.Timeout | undefined

  constructor(isWanted: boolean) {
    this.#isAsked = isWanted && (process.env.NOTIFY_SOCKET ?? '') !== ''
  }

  /** Reports that the rig runs. `status` appears in `systemctl status`. */
  ready(status: string): void {
    this.#tell('READY=1', `STATUS=${status}`)
    this.#watch()
  }

  /** Reports a reload. {@link ready} ends it. */
  reloading(): void {
    // The clock of hrtime is CLOCK_MONOTONIC.
    this.#tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1_000n}`)
  }

  stopping(): void {
    clearInterval(this.#watchdog)
    this.#tell('STOPPING=1', 'STATUS=closing')
  }

  /** Sends watchdog pings from the event loop, twice per `WatchdogSec`. */
  #watch(): void {
    const { WATCHDOG_USEC, WATCHDOG_PID } = process.env
    const ms = Number(WATCHDOG_USEC) / 1_000
    const isMeant = WATCHDOG_PID === undefined || WATCHDOG_PID === String(process.pid)
    if (!this.#isAsked || this.#watchdog !== undefined || !(ms > 0) || !isMeant) return
    this.#watchdog = setInterval(() => this.#tell('WATCHDOG=1'), ms / 2).unref()
  }

  #tell(...lines: readonly string[]): void {
    if (this.#isAsked) native().serviceNotify(lines.join('\n'))
  }
}
