import { offAbort, onAbort } from '../util/abort.js'
import { setTimeout } from '../util/timers.js'
import { native } from './addon.js'
import type { Native } from './binding.js'
import { loopBudget } from './event-loop.js'

/** Waiting calls of this thread, and what keeps its event loop alive. */
export interface Wakeups {
  /** By wake word. Filled without gaps: V8 turns an array with holes into a hash table. */
  readonly waiting: (Waiter | undefined)[]
  /** How many waiting calls keep the process alive. */
  keepAlives: number
  /** Whether the addon keeps the process alive: {@link releaseDelay} longer than there are such calls. */
  isKept: boolean
  isReleasing: boolean
  /** The addon has the function to call for a wake. */
  started: boolean
}

/** A call that waits for a wake word. */
export interface Waiter {
  readonly resume: () => void
  readonly owner: WaitOwner
}

/** Whose calls wait: a stream or an endpoint. Change `keepsAlive` with {@link setKeepsAlive}. */
export interface WaitOwner {
  /** Whether its waiting calls keep the process alive. */
  keepsAlive: boolean
  /** How many of its calls wait. */
  waiting: number
}

/** Owner of calls that keep the process alive. */
export const always: WaitOwner = { keepsAlive: true, waiting: 0 }

/** Owner of calls that never keep the process alive. */
export const never: WaitOwner = { keepsAlive: false, waiting: 0 }

const property = Symbol.for('fastn-net.wakeups')

let known: Wakeups | undefined

/**
 * The wakeups of this thread. They are stored on the addon: several copies of this package share one addon, which wakes one function
 * and has one switch that keeps the process alive.
 */
export function wakeups(): Wakeups {
  return known ?? find()
}

function find(): Wakeups {
  const addon: Native & { [property]?: Wakeups } = native()
  const found: Wakeups | undefined = addon[property]
  known = found ?? { waiting: [], keepAlives: 0, isKept: false, isReleasing: false, started: false }
  addon[property] = known
  return known
}

/** In milliseconds. Requests one after another then need no call of the addon each time that none waits. */
const releaseDelay = 1

/** Counts waiting calls that keep the process alive. Soon after the last one the event loop may end. */
function addKeepAlives(count: number): void {
  const state = wakeups()
  state.keepAlives += count
  if (state.keepAlives > 0) keep(state)
  else if (!state.isReleasing) {
    state.isReleasing = true
    setTimeout(release, releaseDelay)
  }
}

function keep(state: Wakeups): void {
  if (state.isKept) return
  state.isKept = true
  native().bridgeKeepAlive(true)
}

function release(): void {
  const state = wakeups()
  state.isReleasing = false
  if (state.keepAlives > 0) return
  state.isKept = false
  native().bridgeKeepAlive(false)
}

/** Channel of a handle's wake word: 0 reads, accepts and acks; 1 writes; 2 a completed operation; 3 the end of sending. */
export type Channel = 0 | 1 | 2 | 3

/** The wake word of a handle's channel: slot and channel, without the generation. */
export function wakeWord(handle: number, channel: Channel): number {
  return (handle % 0x1000000) * 4 + channel
}

class WaitingCall implements Waiter {
  readonly resume: () => void
  readonly owner: WaitOwner
  constructor(resume: () => void, owner: WaitOwner) {
    this.resume = resume
    this.owner = owner
  }
}

/** Starts the wakeups of this thread. Idempotent. */
export function startWakeups(): void {
  const state = wakeups()
  if (state.started) return
  native().bridgeStart(drain)
  state.started = true
  for (const wrong of native().logStart()) {
    process.emitWarning(`FASTN_NET_LOG: ${wrong}`, { type: 'FastnNetWarning', code: 'ERR_INVALID_ARGUMENT' })
  }
}

/**
 * Waits for a wake of the word. A wake is a hint: call the native function again, and wait again if it still cannot proceed.
 *
 * The caller makes its own errors, so their stack shows the line that awaited. `owner` decides whether waiting keeps the process alive.
 * Rejects with the signal's reason when that comes first.
 */
export function waitForWake(word: number, signal: AbortSignal | undefined, owner: WaitOwner): Promise<void> {
  if (signal !== undefined) return waitUntilAborted(word, signal, owner)
  return new Promise(resume => add(word, resume, owner))
}

/** Wakes the call that waits for the word, from this side. */
export function wake(word: number): void {
  take(word)?.resume()
}

/** Sets whether the owner's calls, those that wait now and later ones, keep the process alive. */
export function setKeepsAlive(owner: WaitOwner, keepsAlive: boolean): void {
  if (owner.keepsAlive === keepsAlive) return
  owner.keepsAlive = keepsAlive
  if (owner.waiting > 0) addKeepAlives(keepsAlive ? owner.waiting : -owner.waiting)
}

function waitUntilAborted(word: number, signal: AbortSignal, owner: WaitOwner): Promise<void> {
  // A listener that is added after the abort never runs.
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = () => {
      take(word)
      reject(signal.reason)
    }
    const resume = () => {
      offAbort(signal, abort)
      resolve()
    }
    add(word, resume, owner)
    onAbort(signal, abort)
  })
}

function add(word: number, resume: () => void, owner: WaitOwner): void {
  const { waiting } = wakeups()
  // The second call fails: the first one would never settle.
  if (waiting[word] !== undefined) throw new Error(`fastn-net has a bug: two waiters for wake word ${word}`)
  while (waiting.length <= word) waiting.push(undefined)
  waiting[word] = new WaitingCall(resume, owner)
  owner.waiting++
  if (owner.keepsAlive) addKeepAlives(1)
}

function take(word: number): Waiter | undefined {
  const { waiting } = wakeups()
  const waiter = waiting[word]
  if (waiter === undefined) return undefined
  waiting[word] = undefined
  const { owner } = waiter
  owner.waiting--
  if (owner.keepsAlive) addKeepAlives(-1)
  return waiter
}

const woken = new Uint32Array(512)

// Only resumes promises: no user code runs here, so nothing can throw half way.
function drain(): void {
  loopBudget.woken()
  const addon = native()
  let count: number
  do {
    count = addon.bridgeWoken(woken)
    for (let at = 0; at < count; at++) {
      const word = woken[at] as number
      const waiter = take(word)
      if (waiter !== undefined) waiter.resume()
      // Without a reader the core drains to the FIN, if that may end the stream.
      else if ((word & 3) === 0) addon.streamIdle(word >>> 2)
    }
  } while (count === woken.length)
}
