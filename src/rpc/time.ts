import type { PeerStream } from '../connection/connection.js'
import { FastnNetError, type Protocol } from '../errors.js'
import type { Peer } from '../keys/peer.js'
import { defaults } from '../settings.js'
import { type OpenOptions, type TimeoutOptions, timeoutOf } from '../types.js'
import { printable } from '../util/display.js'
import { after } from '../util/timeout.js'

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
  const limit = new AbortController()
  const late = new FastnNetError('ERR_CALL_TIMEOUT', `the peer did not tell its time within ${timeout} ms`)
  const timer = after(timeout, () => limit.abort(late))
  const signal = options.signal === undefined ? limit.signal : AbortSignal.any([limit.signal, options.signal])
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
