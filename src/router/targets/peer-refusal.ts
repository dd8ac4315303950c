import { type CodeClass, codeClasses } from '../../code-classes.js'
import { isFastnNetError } from '../../errors.js'
import { Refusal } from '../refusal.js'
import { Late } from './upstream.js'

/** The response for an unreachable peer. */
export function refusalOfPeer(error: unknown): Refusal {
  if (error instanceof Late) return new Refusal(504, 'the peer has not answered in time')
  if (!isFastnNetError(error)) return new Refusal(502, 'the peer ended the stream without an answer')
  if (error.code === 'ERR_PROTOCOL_UNSUPPORTED' && error.remoteCode !== undefined)
    return new Refusal(502, 'the peer serves no HTTP service of this name')
  // The local endpoint is closed, not a stream of the peer.
  const status = error.code === 'ERR_CLOSED' ? 503 : statuses[codeClasses[error.code]]
  return new Refusal(status ?? 502, error.message)
}

const statuses: Readonly<Partial<Record<CodeClass, number>>> = {
  denied: 403,
  timeout: 504,
  unavailable: 503
}
