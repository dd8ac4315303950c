import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, type Endpoint, isFastnNetError } from '../../index.js'
import { printable } from '../../util/display.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { withEndpoint } from '../endpoint.js'
import { exit } from '../failure.js'
import { endpointOptions } from '../specs.js'
import { parseCount, parseTime } from '../units.js'

/** Measures round-trip times. */
export const ping: Command = {
  name: 'ping',
  summary: 'Measure the round-trip time to a peer, and show the path.',
  description: 'The peer must be listening, for example with receive. Exits with 1 if no ping was answered.',
  arguments: [{ name: 'PEER', help: 'ID52 or ticket.' }],
  options: {
    count: { help: 'Number of pings; 0 pings until Ctrl-C. Default: 4.', value: 'N', short: 'c' },
    interval: { help: 'Time between two pings: 200ms, 5s. Default: 1s.', value: 'TIME', short: 'i' },
    ...endpointOptions
  },
  examples: [
    ['fastn-net ping i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60', 'Four pings.'],
    ['fastn-net ping TICKET --count 0 --interval 5s --json', 'Until Ctrl-C, as JSON lines.']
  ],
  run(context) {
    const { args } = context
    const count = parseCount(args.text('count') ?? '4', '--count')
    const interval = parseTime(args.text('interval') ?? '1s', '--interval')
    return withEndpoint(context, endpoint => pingAll(context, endpoint, count, interval))
  }
}

async function pingAll(context: Context, endpoint: Endpoint, count: number, interval: number): Promise<number> {
  const { args, output, signal } = context
  const peer = args.required(0)
  const started = performance.now()
  const connection = await endpoint.connect(peer, { signal })
  const id52 = connection.remoteId52
  const connectMs = round(performance.now() - started)
  await output.event({ event: 'connected', peer: id52, ms: connectMs, ...pathOf(connection) })
  output.hint(`connected to ${id52} in ${connectMs} ms`)
  const times: number[] = []
  let sent = 0
  try {
    while (count === 0 || sent < count) {
      if (sent > 0) await sleep(interval, undefined, { signal })
      sent++
      const time = await pingOnce(context, endpoint, connection, sent)
      if (time !== undefined) times.push(time)
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    await summarize(context, id52, sent, times)
  }
  return times.length > 0 ? exit.ok : exit.failed
}

/** Prints one ping. A missing answer is printed and does not fail the command. */
async function pingOnce(
  { output, args, signal }: Context,
  endpoint: Endpoint,
  connection: Connection,
  sequence: number
): Promise<number | undefined> {
  try {
    const ms = round(await endpoint.ping(args.required(0), { signal }))
    const path = pathOf(connection)
    const shown = path.path === undefined ? '' : ` ${path.path} ${printable(path.address ?? '')}`
    await output.result(`pong ${sequence}: ${ms} ms${shown}`, { event: 'pong', sequence, ms, ...path })
    return ms
  } catch (error) {
    if (!isFastnNetError(error)) throw error
    const { code, message } = error
    await output.result(`no answer ${sequence}: ${message}`, { event: 'no-answer', sequence, code, message })
    return undefined
  }
}

/** The path of the connection: direct or through a relay. */
function pathOf(connection: Connection): { path?: 'direct' | 'relay'; address?: string } {
  const selected = connection.paths.find(path => path.selected)
  return selected === undefined ? {} : { path: selected.relay ? 'relay' : 'direct', address: selected.address }
}

async function summarize({ output }: Context, peer: string, sent: number, times: readonly number[]): Promise<void> {
  const received = times.length
  const statistics = received === 0 ? {} : statisticsOf(times)
  const lost = sent === 0 ? 0 : Math.round((1 - received / sent) * 100)
  const words = Object.entries(statistics).map(([name, ms]) => `${name} ${ms}`)
  const shown = words.length === 0 ? '' : `, ms: ${words.join(', ')}`
  await output.result(`${sent} sent, ${received} received, ${lost} % lost${shown}`, {
    event: 'statistics',
    peer,
    sent,
    received,
    ...statistics
  })
}

function statisticsOf(times: readonly number[]): { min: number; mean: number; max: number; deviation: number } {
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length
  const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / times.length
  return {
    min: round(Math.min(...times)),
    mean: round(mean),
    max: round(Math.max(...times)),
    deviation: round(Math.sqrt(variance))
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}
