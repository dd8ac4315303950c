import type { Endpoint } from '../../index.js'
import {
  checkClock,
  checkLookup,
  checkLoopback,
  checkNat,
  checkRelay,
  checkRuntime,
  checkSockets,
  type Finding,
  type Limits
} from '../checks.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { withEndpoint } from '../endpoint.js'
import { exit, failureOf } from '../failure.js'
import { findKey } from '../keys.js'
import { endpointOptions } from '../specs.js'
import { parseTime } from '../units.js'

/** How long a check of the network may wait, in milliseconds. */
const defaultTimeout = 10_000

/** Runs diagnostics. */
export const doctor: Command = {
  name: 'doctor',
  summary: 'Diagnose why this machine cannot reach peers.',
  description:
    'Checks the addon, the key, sockets, relay, NAT, look-up and clock, and suggests remedies. Exits with 1 if a check fails;\n' +
    'warnings do not count. With --network lan or loopback, skips relay, NAT, look-up and clock.',
  options: {
    ...endpointOptions,
    timeout: { help: 'How long each check of the network may wait: 500ms, 10s. Default: 10s.', value: 'TIME' }
  },
  examples: [
    ['fastn-net doctor', 'Check everything.'],
    ['fastn-net doctor --relay https://relay.example.com', 'Check your own relay.'],
    ['fastn-net doctor --json', 'One object per check, for monitoring.']
  ],
  async run(context) {
    const limits = limitsOf(context)
    const report = new Report(context)
    await report.check('addon', checkRuntime)
    if (report.hasFailed()) return exit.failed
    await report.check('key', () => checkKey(context))
    await report.check('sockets', checkSockets)
    await report.check('loopback', () => checkLoopback(limits))
    await report.check('endpoint', () => checkNetwork(context, limits, report))
    await context.output.event({ event: 'done', ok: !report.hasFailed() })
    return report.hasFailed() ? exit.failed : exit.ok
  }
}

/** Runs checks and prints their findings. */
class Report {
  readonly #context: Context
  #hasFailed = false

  constructor(context: Context) {
    this.#context = context
  }

  /** Whether a check has failed so far. */
  hasFailed(): boolean {
    return this.#hasFailed
  }

  /** Runs a check. An error counts as a failure. */
  async check(name: string, run: () => Promise<Finding>): Promise<void> {
    const { signal } = this.#context
    const { status, detail, advice } = await run().catch((error: unknown): Finding => {
      signal.throwIfAborted()
      return { status: 'fail', detail: failureOf(error).message }
    })
    if (status === 'fail') this.#hasFailed = true
    const line = `${status.padEnd(7)} ${name.padEnd(8)} ${detail}`
    const indent = ' '.repeat(17)
    await this.#context.output.result(advice === undefined ? line : `${line}\n${indent}${advice}`, {
      event: 'check',
      name,
      status,
      detail,
      ...(advice !== undefined && { advice })
    })
  }
}

function limitsOf({ args, signal }: Context): Limits {
  const time = args.text('timeout')
  return { signal, timeout: time === undefined ? defaultTimeout : Math.ceil(parseTime(time, '--timeout')) }
}

async function checkKey({ args, signal }: Context): Promise<Finding> {
  const secretKey = await findKey(args.text('key'), signal)
  if (secretKey !== null) return { status: 'ok', detail: `ID52 ${secretKey.id52}` }
  const advice = 'To keep one ID52: fastn-net keygen --file .fastn.secret-key'
  return { status: 'ok', detail: 'none is stored; the ID52 changes at each start', advice }
}

/** Opens the endpoint, and checks its network. */
async function checkNetwork(context: Context, limits: Limits, report: Report): Promise<Finding> {
  const { args } = context
  const name = args.text('network') ?? process.env.FASTN_NET_NETWORK ?? 'internet'
  const check = async (endpoint: Endpoint): Promise<Finding> => {
    if (name === 'internet') {
      await report.check('relay', () => checkRelay(endpoint, limits))
      await report.check('nat', async () => checkNat(endpoint))
      const hasLookup = args.list('relay').length === 0
      if (hasLookup) await report.check('look-up', () => checkLookup(endpoint, limits))
      await report.check('clock', () => checkClock(endpoint.address().relays[0], limits))
    } else {
      for (const each of ['relay', 'nat', 'look-up', 'clock']) {
        await report.check(each, async () => ({ status: 'skipped', detail: `the network ${name} has none` }))
      }
    }
    const { length } = endpoint.address().addresses
    return { status: 'ok', detail: `${length} ${length === 1 ? 'address' : 'addresses'} on the network ${name}` }
  }
  // Not the stored key, which may be in use: two endpoints with one key receive each other's connections.
  return await withEndpoint(context, check, { key: 'ephemeral' })
}
