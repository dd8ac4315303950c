// The steps of a shutdown, and what it reports. Loaded by the first one.
import { describeProtocol } from '../stream/protocol.js'
import { printable } from '../util/display.js'
import { deadline } from '../util/timeout.js'
import { describeError } from '../util/warn.js'
import type { ShutdownReport } from './shutdown-report.js'
import type { ShutdownTarget } from './shutdown-target.js'

/** Work and its name; `null` for a call of `listen`, which its endpoint counts. */
type RunningWork = ReadonlyMap<Promise<unknown>, string | null>

/** Share of the remaining time for delivery. The rest is for notifying peers that acknowledge nothing. */
const deliveryShare = 0.5

/** Milliseconds between two checks for open streams. */
const pollInterval = 20

/** Waits for spawned work, including work that is spawned during the wait, and then for other streams that peers opened. */
export async function waitForWork(
  running: RunningWork,
  endpoints: ReadonlySet<ShutdownTarget>,
  timeout: number
): Promise<void> {
  const limit = deadline(timeout)
  for (;;) {
    if (running.size > 0) await Promise.race([Promise.allSettled(running.keys()), limit.passed])
    else if (areServing(endpoints)) await new Promise(resolve => setTimeout(resolve, pollInterval))
    else break
    if (limit.hasPassed) break
  }
  limit.stop()
}

function areServing(endpoints: ReadonlySet<ShutdownTarget>): boolean {
  for (const endpoint of endpoints) {
    if (endpoint.isClosing) continue
    const { streams, tasks } = endpoint.serving()
    if (streams + tasks > 0) return true
  }
  return false
}

type UnfinishedWork = Pick<ShutdownReport, 'unfinished' | 'work' | 'openStreams' | 'streams'>

/** The work that still runs. An endpoint that is already closing reports the work that its close cut off. */
export function unfinishedWork(running: RunningWork, endpoints: ReadonlySet<ShutdownTarget>): UnfinishedWork {
  const serving = Array.from(endpoints, endpoint => endpoint.serving())
  const listening = serving.flatMap(({ listening }) => Array<string>(listening).fill('listen'))
  const tasks = serving.flatMap(({ tasks }) => Array<string>(tasks).fill('native task'))
  const spawned = [...running.values()].filter(name => name !== null)
  const all = [...spawned, ...listening, ...tasks]
  const protocols = serving.flatMap(({ protocols }) => protocols)
  return {
    unfinished: all.length,
    work: countEqual(all).map(({ value: name, count }) => ({ name, count })),
    openStreams: serving.reduce((sum, { streams }) => sum + streams, 0),
    streams: countEqual(protocols).map(({ value: protocol, count }) => ({ protocol, count }))
  }
}

type Ended = Pick<ShutdownReport, 'unacknowledged' | 'unclosed'>

/** Closes the endpoints concurrently, within `timeout` milliseconds. */
export async function closeAll(endpoints: ReadonlySet<ShutdownTarget>, timeout: number): Promise<Ended> {
  let unclosed = 0
  let unacknowledged = 0
  const closing = Array.from(endpoints, async endpoint => {
    unclosed++
    unacknowledged += await endpoint.close({ timeout: Math.ceil(timeout * deliveryShare) })
    unclosed--
  })
  const limit = deadline(timeout)
  await Promise.race([Promise.allSettled(closing), limit.passed])
  limit.stop()
  return { unacknowledged, unclosed }
}

export function reportOf(
  { unfinished, work, openStreams, streams }: UnfinishedWork,
  { unacknowledged, unclosed }: Ended,
  failures: ShutdownReport['failures']
): ShutdownReport {
  const clean = unfinished + openStreams + unacknowledged + unclosed === 0
  return { clean, unfinished, work, failures, openStreams, streams, unacknowledged, unclosed }
}

/** Counts equal values, compared as JSON. */
function countEqual<T>(all: Iterable<T>): { value: T; count: number }[] {
  const counted = new Map<string, { value: T; count: number }>()
  for (const value of all) {
    const key = JSON.stringify(value)
    const found = counted.get(key)
    if (found === undefined) counted.set(key, { value, count: 1 })
    else found.count++
  }
  return [...counted.values()]
}

/** Warns about unfinished and failed work. */
export function warnUnclean(report: ShutdownReport): void {
  const message = summary(report)
  if (message === undefined) return
  const options = { type: 'FastnNetWarning', code: 'ERR_SHUTTING_DOWN' }
  const wasCutOff = report.unfinished + report.openStreams > 0
  const more = wasCutOff
    ? 'End work when graceful.cancelled aborts, or raise graceful.timeout to give it more time. '
    : ''
  const advice = `${more}Set the option onReport of Graceful to see all of it`
  process.emitWarning(printable(`the shutdown ended with problems: ${message}. ${advice}`), options)
}

/** One-line summary of unfinished and failed work; `undefined` if there is none. */
function summary(report: ShutdownReport): string | undefined {
  const work = report.work.map(({ name, count }) => {
    if (name === 'listen' && report.streams.length > 0) return `handlers of ${protocolsOf(report)}`
    return `${name}${count > 1 ? ` (${count})` : ''}`
  })
  const parts = [
    work.length > 0 && `unfinished: ${work.join(', ')}`,
    ...report.failures.map(({ name, error }) => `${name} failed: ${describeError(error).message}`),
    report.openStreams > 0 && `streams cut off: ${report.openStreams}`,
    report.unacknowledged > 0 && `finished streams not acknowledged: ${report.unacknowledged}`,
    report.unclosed > 0 && `endpoints still closing: ${report.unclosed}`
  ].filter(part => part !== false)
  return parts.length > 0 ? parts.join('; ') : undefined
}

function protocolsOf({ streams }: ShutdownReport): string {
  const named = streams.slice(0, maxNamed).map(({ protocol }) => describeProtocol(protocol))
  const more = streams.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} other protocols` : ''}`
}

/** Bound on the protocols that a warning names. */
const maxNamed = 5
