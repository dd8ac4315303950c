import type { TracingChannel } from 'node:diagnostics_channel'

/** A tracing channel that has subscribers. */
export type Watched = TracingChannel<unknown, object>

interface Channels {
  readonly connect: Watched
  readonly stream: Watched
}

// Null where the runtime has no tracing channels.
let channels: Channels | null | undefined

/** The tracing channel `fastn-net:NAME`, or `undefined` without subscribers, so that publishing costs nothing then. */
export function watched(name: keyof Channels): Watched | undefined {
  if (channels === undefined) channels = make()
  const channel = channels?.[name]
  return channel !== undefined && isWatched(channel) ? channel : undefined
}

type Diagnostics = typeof import('node:diagnostics_channel')

// Not every runtime has the module, the function, or a way to ask for them.
function builtin(name: 'node:diagnostics_channel'): Partial<Diagnostics> | undefined {
  const host: Partial<NodeJS.Process> = process
  return host.getBuiltinModule?.(name) as Partial<Diagnostics> | undefined
}

// At the first use and not on import, which does no work.
function make(): Channels | null {
  const { tracingChannel } = builtin('node:diagnostics_channel') ?? {}
  if (typeof tracingChannel !== 'function') return null
  return { connect: tracingChannel('fastn-net:connect'), stream: tracingChannel('fastn-net:stream') }
}

function isWatched(channel: Watched): boolean {
  if (typeof channel.hasSubscribers === 'boolean') return channel.hasSubscribers
  // Some runtimes do not have the sum of the five yet.
  const { start, end, asyncStart, asyncEnd, error } = channel
  return [start, end, asyncStart, asyncEnd, error].some(each => each.hasSubscribers)
}
