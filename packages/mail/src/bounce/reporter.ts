import { parseMailAddress } from '../address.js'
import type { Clock } from '../clock.js'
import type { Schedule } from '../deliver/schedule.js'
import type { OnEvent } from '../events.js'
import type { RefusedRecipient } from '../protocol.js'
import type { Delivery, Queue } from '../queue/queue.js'
import { report } from './report.js'

/** Reports delayed and failed mail to senders. Reports are queued as mail. */
export class Reporter {
  readonly #queue: Queue
  readonly #clock: Clock
  readonly #schedule: Schedule
  readonly #id52: string
  readonly #onEvent: OnEvent
  readonly #queued: (peer: string) => void

  constructor(options: {
    queue: Queue
    clock: Clock
    schedule: Schedule
    id52: string
    onEvent: OnEvent
    queued: (peer: string) => void
  }) {
    this.#queue = options.queue
    this.#clock = options.clock
    this.#schedule = options.schedule
    this.#id52 = options.id52
    this.#onEvent = options.onEvent
    this.#queued = options.queued
  }

  /** Reports failed recipients and ends the delivery, in one transaction. */
  async bounce(delivery: Delivery, recipients: readonly RefusedRecipient[]): Promise<void> {
    // Undeliverable reports cause no report (RFC 5321, 6.1).
    if (delivery.from === '') await this.#queue.settle(delivery)
    else await this.#send(delivery, 'failed', recipients)
    const { id, peer } = delivery
    const reason = recipients[0]?.message || recipients[0]?.code || ''
    this.#onEvent({ type: 'bounced', id, peer, to: recipients.map(({ to }) => to), reason })
  }

  /** Reports a delayed mail. */
  async warn(delivery: Delivery, reason: string): Promise<void> {
    if (delivery.from === '') await this.#queue.noteLate(delivery)
    else
      await this.#send(
        delivery,
        'delayed',
        delivery.to.map(to => ({ to, code: 'delayed', message: reason }))
      )
  }

  async #send(
    delivery: Delivery,
    action: 'failed' | 'delayed',
    recipients: readonly RefusedRecipient[]
  ): Promise<void> {
    const now = this.#clock.now()
    const until = delivery.queuedAt + this.#schedule.bounceAfter
    const path = this.#queue.pathOf(delivery.id)
    const raw = await report({ delivery, id52: this.#id52, path, action, recipients, now, until })
    const { id, spool } = await this.#queue.begin()
    try {
      await spool.write(raw)
    } catch (error) {
      await spool.discard()
      throw error
    }
    // The sender's mailbox is local, or at the account for which this device acts.
    const { id52 } = parseMailAddress(delivery.from)
    const to = new Map([[id52, [delivery.from]]])
    await this.#queue.add(id, spool, { from: '', to }, now, { delivery, ends: action === 'failed' })
    this.#queued(id52)
  }
}
