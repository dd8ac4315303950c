import { FastnNetError } from '../errors.js'
import { native } from '../native/addon.js'
import { nextLoopTurn } from '../native/event-loop.js'
import { never, waitForWake, wake, wakeWord } from '../native/wakeups.js'
import { throwIfAborted } from '../util/validate.js'
import type { ReadAhead } from './read-ahead.js'
import type { StreamState } from './stream-state.js'

// Never surfaces: a caller that left a read no longer waits for it.
const left = new Error('the read was left')

/** Decides which read owns a receiving half while it waits for bytes. Only one read of any kind owns it at a time. */
export abstract class ReadLock {
  protected readonly state: StreamState
  // Counts the reads that waited. The last one owns this half while `reading` is set; earlier ones were evicted.
  #turn = 0
  #signal: AbortSignal | undefined
  #owner: object | undefined
  // The owner waits for the event loop: there may be bytes for it, even after EOF was received.
  #isYielding = false
  /** Owner of the reads ahead. `null` on most streams. */
  protected ahead: ReadAhead | null = null
  // Calls to resume when the current reader is done.
  #next: (() => void)[] | null = null

  constructor(state: StreamState) {
    this.state = state
  }

  /** Rejects the waiting read of this owner, if there is one. No byte is lost. */
  leave(owner: object): void {
    if (!this.state.reading || this.#owner !== owner) return
    this.evict()
    // The wake may have been for the read that left.
    if (!this.state.readOver) native().streamIdle(this.state.handle % 0x1000000)
  }

  /**
   * Begins a read. Call it first in each read.
   *
   * @throws {FastnNetError} `ERR_READ_PENDING` while another read waits. The signal's reason, if it has aborted.
   */
  protected enter(signal: AbortSignal | undefined): void {
    throwIfAborted(signal)
    if (!this.isTaken()) {
      // A read that is about to start makes room for more.
      if (this.ahead !== null) this.#passOn()
      return
    }
    throw new FastnNetError(
      'ERR_READ_PENDING',
      'a read of this stream waits already: await it first; read, iterators, lines and readable are one reader',
      this.state.context('read')
    )
  }

  /** Whether a read waits. Evicts one that reads ahead, or whose signal has aborted, even before its own abort listener runs. */
  protected isTaken(): boolean {
    const { reading, readOver } = this.state
    if (!reading || (readOver && !this.#isYielding)) return false
    if (!this.isAheadWaiting && this.#signal?.aborted !== true) return true
    this.evict()
    return false
  }

  /** Makes the calling read the owner of this half. Returns its turn. */
  protected lock(signal: AbortSignal | undefined, owner: object | undefined): number {
    this.state.reading = true
    this.#signal = signal
    this.#owner = owner
    return ++this.#turn
  }

  protected woken(turn: number, signal: AbortSignal | undefined): Promise<void> {
    return this.#unlessAborted(waitForWake(wakeWord(this.state.handle, 0), signal, this.state), turn, signal)
  }

  /** Waits for a turn of the event loop instead. */
  protected turned(turn: number, signal: AbortSignal | undefined): Promise<void> {
    this.#isYielding = true
    return this.#unlessAborted(nextLoopTurn(this.state, signal), turn, signal)
  }

  #unlessAborted(wait: Promise<void>, turn: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return wait
    return wait.catch(reason => {
      if (turn === this.#turn) this.#release()
      throw reason
    })
  }

  /** From now on, a read in {@link turned} no longer counts as waiting: its half was ended by this side. */
  protected endYield(): void {
    if (this.#isYielding) this.#release()
  }

  /** Gives up ownership after a wake. Throws in a read that was evicted. */
  protected unlock(turn: number, signal: AbortSignal | undefined): void {
    if (turn === this.#turn) this.#release()
    else throw signal?.aborted === true ? signal.reason : left
  }

  /** Resolves when the current reader is done, or has made room. */
  nextTurn(): Promise<void> {
    return new Promise(resolve => {
      this.#next ??= []
      this.#next.push(resolve)
    })
  }

  /** Waits as a read ahead, which any other read evicts. Does not keep the process alive. */
  waitAhead(): Promise<void> {
    this.lock(undefined, this.ahead ?? undefined)
    return waitForWake(wakeWord(this.state.handle, 0), undefined, never)
  }

  /** Ends the wait of a read ahead. Returns whether it was not evicted. */
  endWaitAhead(): boolean {
    if (!this.isAheadWaiting) return false
    this.#release()
    return true
  }

  protected get isAheadWaiting(): boolean {
    return this.ahead !== null && this.state.reading && this.#owner === this.ahead
  }

  #release(): void {
    this.state.reading = false
    this.#isYielding = false
    this.#signal = undefined
    this.#owner = undefined
    this.#passOn()
  }

  #passOn(): void {
    if (this.#next === null) return
    for (const resolve of this.#next) resolve()
    this.#next = null
  }

  /** Evicts the waiting read, which rejects. */
  protected evict(): void {
    this.#turn++
    this.#release()
    wake(wakeWord(this.state.handle, 0))
  }
}
