import type { Clock, Timer } from '../clock.js'
import { jumpDetector } from '../clock.js'
import type { OnEvent } from '../events.js'
import type { RefusedRecipient } from '../protocol.js'
import type { Delivery, Queue } from '../queue/queue.js'
import { Slots } from '../slots.js'
import { step } from '../steps.js'
import { type FailedOutcome, isTaken, type Outcome } from '../transport.js'
import { PeerQueue } from './peer-queue.js'
import { backoff, notBehind, type Schedule } from './schedule.js'

/** Settings of a deliverer. */
export interface DelivererOptions {
  readonly queue: Queue
  readonly clock: Clock
  readonly schedule: Schedule
  /** Maximum concurrent attempts per peer. */
  readonly perPeer: number
  /** Maximum concurrent attempts to online peers, and as many to other peers. */
  readonly total: number
  /** Makes one attempt. */
  readonly send: (delivery: Delivery, reached: () => void, closing: AbortSignal) => Promise<Outcome>
  /** Ends a delivery and reports failed recipients to the sender, atomically. */
  readonly bounce: (delivery: Delivery, refused: readonly RefusedRecipient[]) => Promise<void>
  /** Warns the sender of a late mail. */
  readonly warn: (delivery: Delivery, reason: string) => Promise<void>
  readonly onEvent: OnEvent
}

// Clock jumps and suspends are detected within this time.
const longestSleep = 60_000

// Delay before the first attempt after a lost connection.
const lostDelay = 1000

/** Delivers the mail of a queue: immediately, when a peer connects, and with backoff. */
export class Deliverer {
  readonly #options: DelivererOptions
  readonly #peers = new Map<string, PeerQueue>()
  readonly #closing = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #sending: Slots
  readonly #dialling: Slots
  readonly #jumped: () => number
  readonly #connected = new Set<string>()
  #timer: Timer | undefined

  constructor(options: DelivererOptions) {
    this.#options = options
    this.#sending = new Slots(options.total)
    this.#dialling = new Slots(options.total)
    this.#jumped = jumpDetector(options.clock)
  }

  /** Starts with the queued mail. */
  start(): void {
    for (const id52 of this.#options.queue.peers()) this.#peers.set(id52, this.#newPeer(id52))
    this.#pump()
  }

  /** Number of attempts in progress. */
  get active(): number {
    let active = 0
    for (const peer of this.#peers.values()) active += peer.active
    return active
  }

  /** Earliest time of a delivery's next attempt, and the error of the last one. */
  outlook({ peer: id52, nextAt, reason }: Delivery): { nextAt: number; reason: string } {
    const peer = this.#peers.get(id52)
    if (peer === undefined) return { nextAt, reason }
    return { nextAt: Math.max(nextAt, peer.notBefore), reason: peer.reason || reason }
  }

  /** Called with the peers of new mail. */
  wake(peers: Iterable<string>): void {
    for (const id52 of peers) {
      const peer = this.#peers.get(id52) ?? this.#newPeer(id52)
      this.#peers.set(id52, peer)
      peer.dueAt = 0
      this.#serve(peer)
    }
    this.#sleep()
  }

  /** Records whether a peer is connected, and sends its mail when it connects. */
  connection(id52: string, isConnected: boolean): void {
    if (this.#connected.has(id52) === isConnected) return
    const peer = this.#peers.get(id52)
    if (peer !== undefined) peer.isReached = isConnected
    if (!isConnected) {
      this.#connected.delete(id52)
      return
    }
    this.#connected.add(id52)
    if (peer === undefined) return
    peer.notBefore = 0
    this.#serve(peer)
  }

  /** Stops and aborts attempts, which are repeated after the next start. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#closing.abort(new Error('the mail service closes'))
    await Promise.allSettled(this.#running)
  }

  /** Resolves once no attempt is in progress. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
  }

  #closed(): boolean {
    return this.#closing.signal.aborted
  }

  #newPeer(id52: string): PeerQueue {
    const peer = new PeerQueue(id52, this.#options.queue)
    peer.isReached = this.#connected.has(id52)
    return peer
  }

  /** Starts due attempts, then sleeps until the next one is due. */
  #pump(): void {
    if (this.#closed()) return
    const jump = this.#jumped()
    if (jump === 0) {
      for (const peer of this.#peers.values()) this.#serve(peer)
      this.#sleep()
      return
    }
    for (const peer of this.#peers.values()) {
      if (peer.notBefore > 0) peer.notBefore += jump
      peer.forget()
    }
    const shifted = this.#options.queue.shift(jump).catch(error => this.#failed(error))
    this.#track(shifted.then(() => this.#pump()))
  }

  #sleep(): void {
    this.#timer?.cancel()
    if (this.#closed()) return
    const now = this.#options.clock.now()
    let next = now + longestSleep
    for (const peer of this.#peers.values()) {
      if (!peer.isIdle) continue
      next = Math.min(next, Math.max(peer.dueAt, peer.notBefore))
    }
    this.#timer = this.#options.clock.after(Math.max(0, next - now), () => this.#pump())
  }

  /** Starts attempts to a peer up to its limit. */
  #serve(peer: PeerQueue): void {
    const { clock, perPeer } = this.#options
    const now = clock.now()
    if (this.#closed() || peer.notBefore > now) return
    // One attempt probes whether the peer is online. Others follow after its success.
    const most = peer.isReached ? perPeer : 1
    while (peer.active < most) {
      const delivery = peer.take(now)
      if (delivery === undefined) {
        if (peer.isIdle) peer.dueAt = this.#options.queue.nextAt(peer.id52) ?? Number.POSITIVE_INFINITY
        return
      }
      peer.active++
      this.#track(this.#attempt(peer, delivery))
    }
  }

  async #attempt(peer: PeerQueue, delivery: Delivery): Promise<void> {
    let isBackingOff = false
    let ended: Promise<void> | undefined
    try {
      // Attempts to offline peers must not take slots from transfers.
      const dialled = peer.isReached ? undefined : await this.#dialling.take()
      let sent: (() => void) | undefined
      try {
        if (dialled === undefined) sent = await this.#sending.take()
        if (this.#closed()) return
        const outcome = await this.#options.send(
          delivery,
          () => {
            dialled?.()
            peer.failures = 0
            peer.reason = ''
            peer.isReached = true
            this.#serve(peer)
          },
          this.#closing.signal
        )
        // Aborted by the close of the service.
        if (outcome.status === 'unreachable' && this.#closed()) return
        if (isTaken(outcome)) ended = this.#end(peer, delivery, outcome.refused ?? [])
        else isBackingOff = !(await this.#settle(peer, delivery, outcome))
      } finally {
        dialled?.()
        sent?.()
      }
    } catch (error) {
      isBackingOff = true
      this.#cannotWrite(peer, error)
    } finally {
      peer.active--
      if (!isBackingOff) this.#serve(peer)
    }
    // Free the slot while the outcome is being written.
    await ended?.catch(error => this.#cannotWrite(peer, error))
    peer.release(delivery)
    if (peer.isIdle) this.#rest(peer)
  }

  /** Handles a write error of the queue: the mail stays queued. */
  #cannotWrite(peer: PeerQueue, error: unknown): void {
    this.#failed(error)
    peer.notBefore = this.#options.clock.now() + this.#options.schedule.firstDelay
  }

  /** Forgets a peer without mail. */
  #rest(peer: PeerQueue): void {
    if (this.#closed()) return
    try {
      const dueAt = this.#options.queue.nextAt(peer.id52)
      if (dueAt === undefined) this.#peers.delete(peer.id52)
      else peer.dueAt = dueAt
      this.#sleep()
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Records a delivery, with any refused recipients. */
  async #end(peer: PeerQueue, delivery: Delivery, answered: readonly RefusedRecipient[]): Promise<void> {
    const { id, to } = delivery
    const refused = answered.filter(each => to.includes(each.to))
    if (refused.length > 0) await this.#options.bounce(delivery, refused)
    else await this.#options.queue.settle(delivery)
    step('deliver.settled', id)
    const got = to.filter(each => !refused.some(other => other.to === each))
    if (got.length > 0) this.#options.onEvent({ type: 'delivered', id, peer: peer.id52, to: got })
  }

  /** Records an outcome. Returns whether the peer may be retried immediately. */
  async #settle(peer: PeerQueue, delivery: Delivery, outcome: FailedOutcome): Promise<boolean> {
    const { queue, onEvent, clock, schedule } = this.#options
    const { id, to } = delivery
    switch (outcome.status) {
      case 'refused': {
        const { code, message } = outcome
        await this.#options.bounce(
          delivery,
          to.map(each => ({ to: each, code, message }))
        )
        step('deliver.settled', id)
        return true
      }
      case 'later': {
        const now = clock.now()
        const delay = Math.max(backoff(delivery.attempts + 1, schedule), (outcome.retryAfter ?? 0) * 1000)
        const reason = outcome.message || outcome.code
        if (await this.#overdue(peer, delivery, now, reason)) return true
        const own = { unwarned: delivery.warned ? undefined : delivery.queuedAt, any: delivery.queuedAt }
        const soon = outcome.code === 'busy' ? now + Math.max(1, outcome.retryAfter ?? 1) * 1000 : now + delay
        const nextAt = notBehind(Math.min(soon, now + schedule.longestDelay), now, own, schedule)
        await queue.retry(delivery, nextAt, reason)
        onEvent({ type: 'deferred', id, peer: peer.id52, reason, nextAt })
        return true
      }
      case 'unreachable': {
        // A recently connected peer may be restarting.
        const wasReached = peer.isReached
        peer.isReached = false
        this.#connected.delete(peer.id52)
        // Of concurrent attempts, only the first counts.
        const now = clock.now()
        if (peer.notBefore > now) return false
        peer.failures++
        peer.reason = outcome.message
        const planned = now + (wasReached ? lostDelay : backoff(peer.failures, schedule))
        await this.#allOverdue(peer, delivery, now, outcome.message)
        peer.notBefore = notBehind(planned, now, queue.oldest(peer.id52), schedule)
        onEvent({ type: 'deferred', id: undefined, peer: peer.id52, reason: outcome.message, nextAt: peer.notBefore })
        return false
      }
    }
  }

  /** Handles late mail after an attempt did not reach the peer. */
  async #allOverdue(peer: PeerQueue, own: Delivery, now: number, reason: string): Promise<void> {
    const { queue, schedule } = this.#options
    const limit = this.#options.perPeer + 64
    for (const unwarned of [false, true]) {
      const before = now - (unwarned ? schedule.warnAfter : schedule.bounceAfter)
      for (;;) {
        // An attempt in progress decides for itself.
        const found = queue.queuedBy(peer.id52, before, { unwarned, limit })
        const late = found.filter(each => each.seq === own.seq || !peer.isInFlight(each))
        for (const delivery of late) await this.#overdue(peer, delivery, now, reason)
        if (late.length === 0) break
      }
    }
    peer.forget()
  }

  /** Warns the sender of a late mail, or bounces it, after a failed attempt. Returns whether it bounced. */
  async #overdue(peer: PeerQueue, delivery: Delivery, now: number, reason: string): Promise<boolean> {
    const { schedule, warn, bounce, onEvent } = this.#options
    const age = now - delivery.queuedAt
    if (age >= schedule.bounceAfter) {
      const message = `not delivered within ${Math.round(schedule.bounceAfter / 86_400_000)} days: ${reason}`
      const refused = delivery.to.map(to => ({ to, code: 'expired', message }))
      await bounce(delivery, refused)
      return true
    }
    if (age >= schedule.warnAfter && !delivery.warned) {
      await warn(delivery, reason)
      onEvent({ type: 'warned', id: delivery.id, peer: peer.id52 })
    }
    return false
  }

  #track(work: Promise<void>): void {
    this.#running.add(work)
    void work.finally(() => this.#running.delete(work))
  }

  #failed(error: unknown): void {
    this.#options.onEvent({ type: 'error', error })
  }
}
