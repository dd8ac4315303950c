import type { TracingChannel } from 'node:diagnostics_channel'

/** A tracing channel that has subscribers. */
export type Watched = TracingChannel<unknown, object>

interface Channels {
  readonly connect: Watched
  readonly stream: Watched
  readonly request: Watched
}

// Created on first use, because an import does no work. `null`: the runtime has no tracing channels.
let channels: Channels | null | undefined

/** Returns the tracing channel `fastn-net:NAME` if it has subscribers. Without any, publishing costs nothing. */
export function watched(name: keyof Channels): Watched | undefined {
  if (channels === undefined) channels = createChannels()
  const channel = channels?.[name]
  return channel !== undefined && hasSubscribers(channel) ? channel : undefined
}

type Diagnostics = typeof import('node:diagnostics_channel')

// Some runtimes lack `getBuiltinModule`, the module, or `tracingChannel`.
function builtin(name: 'node:diagnostics_channel'): Partial<Diagnostics> | undefined {
  const host: Partial<NodeJS.Process> = process
  return host.getBuiltinModule?.(name) as Partial<Diagnostics> | undefined
}

function createChannels(): Channels | null {
  const { tracingChannel } = builtin('node:diagnostics_channel') ?? {}
  if (typeof tracingChannel !== 'function') return null
  return {
    connect: tracingChannel('fastn-net:connect'),
    stream: tracingChannel('fastn-net:stream'),
    request: tracingChannel('fastn-net:request')
  }
}

function hasSubscribers(channel: Watched): boolean {
  if (typeof channel.hasSubscribers === 'boolean') return channel.hasSubscribers
  // Some runtimes lack `TracingChannel.hasSubscribers`.
  const { start, end, asyncStart, asyncEnd, error } = channel
  return [start, end, asyncStart, asyncEnd, error].some(each => each.hasSubscribers)
}
