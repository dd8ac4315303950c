import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, type Protocol } from '../errors.js'
import type { Peer } from '../keys/peer.js'
import { defaults } from '../settings.js'
import { type OpenOptions, type TimeoutOptions, timeoutOf } from '../types.js'
import { offAbort, onAbort } from '../util/abort.js'
import { printable } from '../util/display.js'
import { after } from '../util/timeout.js'
import { checkSignal } from '../util/validate.js'

/** A line of RFC 3339. */
const form = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

/** Longest line of an answer, in bytes. */
const maxBytes = 64

interface Opener {
  getStream(peer: Peer, protocol: Protocol, options?: OpenOptions): Promise<PeerStream>
}

/** See {@link Endpoint.whatTimeIsIt}. */
export async function whatTimeIsIt(endpoint: Opener, peer: Peer, options: TimeoutOptions): Promise<Date> {
  const timeout = timeoutOf(options, defaults.callTimeout)
  const outer = checkSignal(options.signal)
  outer?.throwIfAborted()
  const limit = new AbortController()
  const { signal } = limit
  const late = new FastnNetError('ERR_CALL_TIMEOUT', `the peer did not tell its time within ${timeout} ms`)
  const timer = after(timeout, () => limit.abort(late))
  // Not `AbortSignal.any`, which takes no signal of another realm.
  const abort = () => limit.abort(outer?.reason)
  if (outer !== undefined) onAbort(outer, abort)
  try {
    const stream = await endpoint.getStream(peer, 'WhatTimeIsIt', { signal })
    try {
      await stream.finish()
      return timeIn(await stream.nextString({ maxBytes, signal }))
    } finally {
      await stream.close()
    }
  } finally {
    clearTimeout(timer)
    if (outer !== undefined) offAbort(outer, abort)
  }
}

function timeIn(line: string): Date {
  const time = new Date(line)
  if (form.test(line) && !Number.isNaN(time.getTime())) return time
  throw new FastnNetError('ERR_UNEXPECTED_END', `the peer's answer is no time: '${printable(line)}'`)
}

/** Tells the time on a stream: one line of RFC 3339 in UTC. */
export async function tellTime(stream: PeerStream): Promise<void> {
  await stream.finish(`${new Date().toISOString()}\n`)
}
