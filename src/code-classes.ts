import type { FastnNetErrorCode } from './errors.js'

/** A kind of failure, which several codes share. `crates/fastn-net-proto/src/error.rs` has them. */
export const codeClasses = {
  ERR_BIND: 'local',
  ERR_SECRET_KEY: 'usage',
  ERR_PEER_ADDRESS: 'unreachable',
  ERR_UNREACHABLE: 'unreachable',
  ERR_CONNECTION_LOST: 'unreachable',
  ERR_ACK_TIMEOUT: 'timeout',
  ERR_REFUSED: 'refused',
  ERR_UNAUTHORIZED: 'denied',
  ERR_PROTOCOL_UNSUPPORTED: 'refused',
  ERR_TOO_MANY_STREAMS: 'unavailable',
  ERR_HEADER_INVALID: 'refused',
  ERR_HEADER_TOO_LARGE: 'refused',
  ERR_HEADER_TIMEOUT: 'timeout',
  ERR_STREAM_RESET: 'ended',
  ERR_STREAM_STOPPED: 'ended',
  ERR_STREAM_FINISHED: 'ended',
  ERR_LINE_TOO_LONG: 'data',
  ERR_TOO_LARGE: 'data',
  ERR_UNEXPECTED_END: 'data',
  ERR_JSON: 'data',
  ERR_UTF8: 'data',
  ERR_INVALID_ARGUMENT: 'usage',
  ERR_CLOSED: 'ended',
  ERR_READ_PENDING: 'usage',
  ERR_PROTOCOL_IN_USE: 'usage',
  ERR_SHUTTING_DOWN: 'unavailable',
  ERR_BUSY: 'unavailable',
  ERR_PING: 'timeout',
  ERR_KEY_STORE: 'local',
  ERR_FILE: 'local',
  ERR_REMOTE: 'refused',
  ERR_SCHEMA: 'data',
  ERR_CALL_TIMEOUT: 'timeout',
  ERR_NATIVE: 'local',
  ERR_LISTEN: 'local',
  ERR_TARGET: 'target',
  ERR_INTERNAL: 'internal'
} as const

/** One of {@link codeClasses}. */
export type CodeClass = (typeof codeClasses)[FastnNetErrorCode]
