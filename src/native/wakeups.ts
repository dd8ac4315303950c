import { offAbort, onAbort } from '../util/abort.js'
import { native } from './addon.js'
import type { Native } from './binding.js'

/** Waiting calls of this thread, and what keeps its event loop alive. */
export interface Wakeups {
  /** By wake word. Filled without gaps: V8 turns an array with holes into a hash table. */
  readonly waiting: (Waiter | undefined)[]
  /** How many things keep the process alive. */
  keepAlives: number
  /** The addon has the function to call for a wake. */
  started: boolean
}

/** A call that waits for a wake word. */
export interface Waiter {
  readonly resume: () => void
  keepsAlive: boolean
}

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
  known = found ?? { waiting: [], keepAlives: 0, started: false }
  addon[property] = known
  return known
}

/** Keeps the process alive until the matching {@link releaseKeepAlive}. */
export function keepAlive(): void {
  if (wakeups().keepAlives++ === 0) native().bridgeKeepAlive(true)
}

/** Undoes one {@link keepAlive}. After the last one the event loop may end. */
export function releaseKeepAlive(): void {
  if (--wakeups().keepAlives === 0) native().bridgeKeepAlive(false)
}

/** Channel of a handle's wake word: 0 reads, accepts and acks; 1 writes; 2 a completed operation; 3 the end of sending. */
export type Channel = 0 | 1 | 2 | 3

/** The wake word of a handle's channel: slot and channel, without the generation. */
export function wakeWord(handle: number, channel: Channel): number {
  return (handle % 0x1000000) * 4 + channel
}

class WaitingCall implements Waiter {
  readonly resume: () => void
  keepsAlive: boolean
  constructor(resume: () => void, keepsAlive: boolean) {
    this.resume = resume
    this.keepsAlive = keepsAlive
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
 * The caller makes its own errors, so their stack shows the line that awaited. `keepsAlive`: waiting keeps the process alive.
 * Rejects with the signal's reason when that comes first.
 */
export function waitForWake(word: number, signal?: AbortSignal, keepsAlive = true): Promise<void> {
  if (signal !== undefined) return waitUntilAborted(word, signal, keepsAlive)
  return new Promise(resume => add(word, resume, keepsAlive))
}

/** Wakes the call that waits for the word, from this side. */
export function wake(word: number): void {
  take(word)?.resume()
}

/** Sets whether the call that waits for the word keeps the process alive. */
export function setKeepsAlive(word: number, keepsAlive: boolean): void {
  const waiter = wakeups().waiting[word]
  if (waiter === undefined || waiter.keepsAlive === keepsAlive) return
  waiter.keepsAlive = keepsAlive
  if (keepsAlive) keepAlive()
  else releaseKeepAlive()
}

function waitUntilAborted(word: number, signal: AbortSignal, keepsAlive: boolean): Promise<void> {
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
    add(word, resume, keepsAlive)
    onAbort(signal, abort)
  })
}

function add(word: number, resume: () => void, keepsAlive: boolean): void {
  const { waiting } = wakeups()
  // The second call fails: the first one would never settle.
  if (waiting[word] !== undefined) throw new Error(`fastn-net has a bug: two waiters for wake word ${word}`)
  while (waiting.length <= word) waiting.push(undefined)
  waiting[word] = new WaitingCall(resume, keepsAlive)
  if (keepsAlive) keepAlive()
}

function take(word: number): Waiter | undefined {
  const { waiting } = wakeups()
  const waiter = waiting[word]
  if (waiter === undefined) return undefined
  waiting[word] = undefined
  if (waiter.keepsAlive) releaseKeepAlive()
  return waiter
}

const woken = new Uint32Array(512)

// Only resumes promises: no user code runs here, so nothing can throw half way.
function drain(): void {
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
