import { native } from './binding.js'
import { hold, unhold } from './hold.js'
import { type Waiter, waiters } from './keep-alive.js'

/** Channel of a handle's wake word: reading, accepting and the ack; writing; an operation that is complete; an end of sending. */
export type Channel = 0 | 1 | 2 | 3

/** The wake word of a handle's channel: slot and channel, without the generation. */
export function wakeWord(handle: number, channel: Channel): number {
  return (handle % 0x1000000) * 4 + channel
}

class Parked implements Waiter {
  readonly resume: () => void
  holds: boolean
  constructor(resume: () => void, holds: boolean) {
    this.resume = resume
    this.holds = holds
  }
}

/** Starts the bridge of this environment; later calls do nothing. */
export function startBridge(): void {
  const bridge = waiters()
  if (bridge.started) return
  native().bridgeStart(drain)
  bridge.started = true
  for (const wrong of native().logStart()) {
    process.emitWarning(`FASTN_NET_LOG: ${wrong}`, { type: 'FastnNetWarning', code: 'ERR_INVALID_ARGUMENT' })
  }
}

/**
 * Waits until the word is woken. A wake is a hint: call the native function again, and park again if it still cannot go on.
 *
 * Errors are made by the async function that awaits this, not by whoever wakes it: so their stack shows the caller's line.
 * `holds`: whether waiting keeps the process alive. Rejects with the signal's reason when that comes first.
 */
export function park(word: number, signal?: AbortSignal, holds = true): Promise<void> {
  if (signal !== undefined) return parkUntil(word, signal, holds)
  return new Promise(resume => place(word, resume, holds))
}

/** Wakes whoever waits for the word, from this side. */
export function unpark(word: number): void {
  take(word)?.resume()
}

/** Whether the one who waits for the word, if any, keeps the process alive from now on. */
export function setHolds(word: number, holds: boolean): void {
  const entry = waiters().parked[word]
  if (entry === undefined || entry.holds === holds) return
  entry.holds = holds
  if (holds) hold()
  else unhold()
}

function parkUntil(word: number, signal: AbortSignal, holds: boolean): Promise<void> {
  // A listener that is added after the abort never runs.
  if (signal.aborted) return Promise.reject(signal.reason)
  return new Promise((resolve, reject) => {
    const abort = () => {
      take(word)
      reject(signal.reason)
    }
    const resume = () => {
      signal.removeEventListener('abort', abort)
      resolve()
    }
    place(word, resume, holds)
    signal.addEventListener('abort', abort, { once: true })
  })
}

function place(word: number, resume: () => void, holds: boolean): void {
  const { parked } = waiters()
  // The first one would never settle: better that the second one says so.
  if (parked[word] !== undefined) throw new Error(`fastn-net has a bug: two waiters for wake word ${word}`)
  while (parked.length <= word) parked.push(undefined)
  parked[word] = new Parked(resume, holds)
  if (holds) hold()
}

function take(word: number): Waiter | undefined {
  const { parked } = waiters()
  const entry = parked[word]
  if (entry === undefined) return undefined
  parked[word] = undefined
  if (entry.holds) unhold()
  return entry
}

const woken = new Uint32Array(512)

// Only resumes promises: nothing here runs a user's code, and so nothing can throw half way.
function drain(): void {
  const addon = native()
  let count: number
  do {
    count = addon.bridgeWoken(woken)
    for (let at = 0; at < count; at++) {
      const word = woken[at] as number
      const entry = take(word)
      if (entry !== undefined) entry.resume()
      // Nobody reads: the core reads ahead if that may end the stream.
      else if ((word & 3) === 0) addon.streamIdle(word >>> 2)
    }
  } while (count === woken.length)
}
