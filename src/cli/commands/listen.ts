import { type Endpoint, isFastnNetError, type Listener, type PeerStream, type StreamHandler } from '../../index.js'
import { printable } from '../../util/display.js'
import { announce, qrOption } from '../announce.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { accessOf, withEndpoint } from '../endpoint.js'
import { failureOf, UsageError } from '../failure.js'
import { endpointOptions, exposeOptions } from '../specs.js'
import { published, whilePublished } from '../status/publish.js'

/** Prints lines from peers. */
export const listen: Command = {
  name: 'listen',
  summary: 'Print the lines that peers send for a protocol.',
  description:
    'Prints its ticket to stderr, and each line to stdout. Runs until Ctrl-C, or with --once until one stream ends.',
  arguments: [{ name: 'PROTOCOL', help: 'Name of the protocol, such as Echo.' }],
  options: {
    ...exposeOptions,
    once: { help: 'End after one stream.' },
    echo: { help: 'Send each line back.' },
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net listen Log --allow ID52', 'Print the lines of one peer.'],
    ['fastn-net listen Log --public --json | jq .text', 'Process them with another program.']
  ],
  async run(context) {
    const access = accessOf(context)
    await withEndpoint(context, endpoint => listenTo(context, endpoint), access)
    return undefined
  }
}

async function listenTo(context: Context, endpoint: Endpoint): Promise<void> {
  const { args, output, signal } = context
  const protocol = args.required(0)
  let finish = () => {}
  const finished = new Promise<void>(resolve => {
    finish = resolve
  })
  const handle = async (stream: PeerStream) => {
    await printStream(context, stream)
    if (args.has('once')) finish()
  }
  const listener = startListening(endpoint, protocol, handle, signal)
  await listener.ready
  const hint = `Peers send lines on the protocol '${printable(protocol)}'.`
  await announce(context, endpoint, { hint, isOnStderr: !output.json })
  const ended = async () => void (await Promise.race([finished, listener.closed]))
  await whilePublished(
    context,
    published(endpoint, () => []),
    ended
  )
  await listener.close()
}

function startListening(endpoint: Endpoint, protocol: string, handler: StreamHandler, signal: AbortSignal): Listener {
  try {
    return endpoint.listen([[protocol, handler]], { signal })
  } catch (error) {
    if (!isFastnNetError(error, 'ERR_INVALID_ARGUMENT')) throw error
    throw new UsageError(`cannot listen for '${printable(protocol)}': ${error.message}`)
  }
}

/** Prints the lines of a stream, with back-pressure from stdout. */
async function printStream({ args, output, signal }: Context, stream: PeerStream): Promise<void> {
  const peer = stream.remoteId52
  await output.event({ event: 'stream', peer })
  try {
    for await (const text of stream.lines({ signal })) {
      await output.result(output.shown(text), { event: 'line', peer, text })
      if (args.has('echo')) await stream.writeLine(text, { signal })
    }
    await output.event({ event: 'end', peer })
  } catch (error) {
    if (signal.aborted) return
    const { code, message } = failureOf(error)
    await output.event({ event: 'failed', peer, code, message })
    output.hint(`from ${peer}: ${message}`)
    await stream.close()
  }
}
