import { type Native, native } from './binding.js'

/** What waits for the addon in this thread. */
export interface Waiters {
  /** By wake word. Filled without gaps, for an array with holes in it is a hash table. */
  readonly parked: (Waiter | undefined)[]
  /** How many things keep the process alive. */
  holds: number
  /** The addon knows whom to wake. */
  started: boolean
}

/** Somebody who waits for a wake word. */
export interface Waiter {
  readonly resume: () => void
  holds: boolean
}

const place = Symbol.for('fastn-net.waiters')

let known: Waiters | undefined

/**
 * They are the addon's, not this module's: a program can have several copies of this package with one addon, which wakes one
 * function and keeps the process alive or not.
 */
export function waiters(): Waiters {
  return known ?? find()
}

function find(): Waiters {
  const addon: Native & { [place]?: Waiters } = native()
  const found: Waiters | undefined = addon[place]
  known = found ?? { parked: [], holds: 0, started: false }
  addon[place] = known
  return known
}
