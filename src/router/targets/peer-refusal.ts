import { type CodeClass, codeClasses, isFastnNetError } from '../../errors.js'
import { Refusal } from '../refusal.js'
import { Late } from './upstream.js'

/** What a client is told of a failure to reach a peer. */
export function refusalOfPeer(error: unknown): Refusal {
  if (error instanceof Late) return new Refusal(504, 'the peer has not answered in time')
  if (!isFastnNetError(error)) return new Refusal(502, 'the peer ended the stream without an answer')
  if (error.code === 'ERR_PROTOCOL_UNSUPPORTED' && error.remoteCode !== undefined)
    return new Refusal(502, 'the peer serves no HTTP service of this name')
  // The endpoint of this machine is closed, no stream of the peer's.
  const status = error.code === 'ERR_CLOSED' ? 503 : statuses[codeClasses[error.code]]
  return new Refusal(status ?? 502, error.message)
}

const statuses: Readonly<Partial<Record<CodeClass, number>>> = {
  denied: 403,
  timeout: 504,
  unavailable: 503
}
