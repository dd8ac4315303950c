import type { Clock, Timer } from '../clock.js'
import { jumpDetector } from '../clock.js'
import type { OnEvent } from '../events.js'
import type { RefusedRecipient } from '../protocol.js'
import type { Delivery, Queue } from '../queue/queue.js'
import { step } from '../steps.js'
import { PeerQueue } from './peer-queue.js'
import { backoff, notBehind, type Schedule } from './schedule.js'
import { Slots } from './slots.js'
import { type FailedOutcome, isTaken, type Outcome } from './transport.js'

/** What a deliverer works with. */
export interface DelivererOptions {
  readonly queue: Queue
  readonly clock: Clock
  readonly schedule: Schedule
  /** Attempts to one peer at once. */
  readonly perPeer: number
  /** Attempts at once in all, and as many to peers that are not known to be there. */
  readonly total: number
  /** Makes one attempt. */
  readonly send: (delivery: Delivery, reached: () => void, closing: AbortSignal) => Promise<Outcome>
  /** Ends a delivery, and tells the sender of the recipients who did not get it, in one step. */
  readonly bounce: (delivery: Delivery, refused: readonly RefusedRecipient[]) => Promise<void>
  /** Tells the sender that a mail is late. */
  readonly warn: (delivery: Delivery, reason: string) => Promise<void>
  readonly onEvent: OnEvent
}

// A clock that is set forward, or a machine that slept, is noticed within this time.
const longestSleep = 60_000

// Before the first attempt after a lost connection.
const lostDelay = 1000

/** Delivers the mail of a queue: at once, when a peer connects, and with backoff. */
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

  /** Begins with what is in the queue. */
  start(): void {
    for (const id52 of this.#options.queue.peers()) this.#peers.set(id52, this.#newPeer(id52))
    this.#pump()
  }

  /** Number of attempts under way. */
  get active(): number {
    let active = 0
    for (const peer of this.#peers.values()) active += peer.active
    return active
  }

  /** When a delivery of the queue is tried again at the earliest, and why the last attempt failed. */
  outlook({ peer: id52, nextAt, reason }: Delivery): { nextAt: number; reason: string } {
    const peer = this.#peers.get(id52)
    if (peer === undefined) return { nextAt, reason }
    return { nextAt: Math.max(nextAt, peer.notBefore), reason: peer.reason || reason }
  }

  /** There is new mail to these peers. */
  wake(peers: Iterable<string>): void {
    for (const id52 of peers) {
      const peer = this.#peers.get(id52) ?? this.#newPeer(id52)
      this.#peers.set(id52, peer)
      peer.dueAt = 0
      this.#serve(peer)
    }
    this.#sleep()
  }

  /** Notes whether a peer has a connection. Its mail is sent when it gets one. */
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

  /** Ends: attempts under way are broken off, and made again after the next start. */
  async close(): Promise<void> {
    this.#timer?.cancel()
    this.#closing.abort(new Error('the mail service closes'))
    await Promise.allSettled(this.#running)
  }

  /** Resolves once no attempt is under way. */
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

  /** Starts what is due, and sleeps until more is. */
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

  /** Starts attempts to a peer, as many as it may have. */
  #serve(peer: PeerQueue): void {
    const { clock, perPeer } = this.#options
    const now = clock.now()
    if (this.#closed() || peer.notBefore > now) return
    // One attempt finds out whether the peer is there. Only then come the others.
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
      // Those that wait for absent peers take no slot from those that send.
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
        // Broken off by the end of the service.
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
    // The place is free for another, while the end of this one is written down.
    await ended?.catch(error => this.#cannotWrite(peer, error))
    peer.release(delivery)
    if (peer.isIdle) this.#rest(peer)
  }

  /** The queue cannot be written: the mail stays in it. */
  #cannotWrite(peer: PeerQueue, error: unknown): void {
    this.#failed(error)
    peer.notBefore = this.#options.clock.now() + this.#options.schedule.firstDelay
  }

  /** A peer without mail is forgotten. */
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

  /** Writes down that a peer has a mail. Some of the recipients may not. */
  async #end(peer: PeerQueue, delivery: Delivery, answered: readonly RefusedRecipient[]): Promise<void> {
    const { id, to } = delivery
    const refused = answered.filter(each => to.includes(each.to))
    if (refused.length > 0) await this.#options.bounce(delivery, refused)
    else await this.#options.queue.settle(delivery)
    step('deliver.settled', id)
    const got = to.filter(each => !refused.some(other => other.to === each))
    if (got.length > 0) this.#options.onEvent({ type: 'delivered', id, peer: peer.id52, to: got })
  }

  /** Writes down an outcome. Returns whether the peer may be tried again at once. */
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
        // A peer that was there a moment ago may be there again, as after a restart.
        const wasReached = peer.isReached
        peer.isReached = false
        this.#connected.delete(peer.id52)
        // Of attempts that were under way together, the first counts.
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

  /** After an attempt that reached nothing: every mail to the peer that is late. */
  async #allOverdue(peer: PeerQueue, own: Delivery, now: number, reason: string): Promise<void> {
    const { queue, schedule } = this.#options
    const limit = this.#options.perPeer + 64
    for (const unwarned of [false, true]) {
      const before = now - (unwarned ? schedule.warnAfter : schedule.bounceAfter)
      for (;;) {
        // Another attempt that is under way decides for itself.
        const found = queue.queuedBy(peer.id52, before, { unwarned, limit })
        const late = found.filter(each => each.seq === own.seq || !peer.isInFlight(each))
        for (const delivery of late) await this.#overdue(peer, delivery, now, reason)
        if (late.length === 0) break
      }
    }
    peer.forget()
  }

  /** After a failed attempt: warns the sender of a late mail, or returns it. Returns whether it went back. */
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
