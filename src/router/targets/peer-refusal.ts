import { isFastnNetError } from '../../errors.js'
import { Refusal } from '../refusal.js'
import { Late } from './upstream.js'

/** What a client is told of a failure to reach a peer. */
export function refusalOfPeer(error: unknown): Refusal {
  if (error instanceof Late) return new Refusal(504, 'the peer has not answered in time')
  if (!isFastnNetError(error)) return new Refusal(502, 'the peer ended the stream without an answer')
  if (error.code === 'ERR_PROTOCOL_UNSUPPORTED' && error.remoteCode !== undefined)
    return new Refusal(502, 'the peer serves no HTTP service of this name')
  return new Refusal(statuses[error.code] ?? 502, error.message)
}

const statuses: Readonly<Partial<Record<string, number>>> = {
  ERR_UNAUTHORIZED: 403,
  ERR_TOO_MANY_STREAMS: 503,
  ERR_SHUTTING_DOWN: 503,
  ERR_BUSY: 503,
  ERR_CLOSED: 503,
  ERR_ACK_TIMEOUT: 504,
  ERR_HEADER_TIMEOUT: 504
}
