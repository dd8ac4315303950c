import type { ShutdownReport } from 'fastn-net'

/** Report of a shutdown that left nothing. */
export const clean: ShutdownReport = {
  clean: true,
  unfinished: 0,
  work: [],
  failures: [],
  openStreams: 0,
  streams: [],
  unacknowledged: 0,
  unclosed: 0
}
