import { isFastnNetError, type PeerStream } from '../../index.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { withEndpoint } from '../endpoint.js'
import { UsageError } from '../failure.js'
import { serviceOption, tcpProtocol } from '../services.js'
import { endpointOptions } from '../specs.js'

/** Connects stdin and stdout to a peer's TCP service. */
export const pipe: Command = {
  name: 'pipe',
  summary: "Connect stdin and stdout to a peer's TCP service, as ssh's ProxyCommand does.",
  description: 'Each direction ends on its own. Exits when both have ended.',
  arguments: [{ name: 'PEER', help: 'Ticket or ID52 of the peer that runs tcp.' }],
  options: { ...serviceOption, ...endpointOptions },
  examples: [
    ["ssh -o ProxyCommand='fastn-net pipe TICKET' user@host", "ssh to the machine that runs 'fastn-net tcp 22'."],
    ['echo hello | fastn-net pipe ID52 --service log', 'Send text to a service.']
  ],
  async run(context) {
    const { args, output, signal } = context
    if (output.json) throw new UsageError('--json and the bytes of a service exclude each other')
    if (args.text('key') === '-') throw new UsageError('stdin cannot be both the key and the data')
    await withEndpoint(context, async endpoint => {
      const stream = await endpoint.getStream(args.required(0), tcpProtocol(args.text('service')), { signal })
      try {
        await Promise.all([sendStdin(stream), print(context, stream)])
      } finally {
        await stream.close()
      }
    })
    return undefined
  }
}

/** Sends stdin until EOF, or until the service stops reading. */
async function sendStdin(stream: PeerStream): Promise<void> {
  let failure: unknown
  stream.closed.catch(error => {
    failure = error
    // An idle stdin must not block the exit.
    process.stdin.destroy()
  })
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) await stream.write(chunk)
  } catch (error) {
    // Unread bytes are a failure. An error of stdin follows from the end of the stream.
    if (isFastnNetError(error) || failure === undefined) throw error
    return checkEnd(failure)
  }
  try {
    await stream.finish()
    await stream.closed
  } catch (error) {
    checkEnd(error)
  }
}

/** Throws the error that ended the stream, unless the service has closed normally. */
function checkEnd(failure: unknown): void {
  if (!isFastnNetError(failure, 'ERR_STREAM_STOPPED')) throw failure
}

async function print({ output, signal }: Context, stream: PeerStream): Promise<void> {
  for (let chunk = await stream.read({ signal }); chunk !== null; chunk = await stream.read({ signal })) {
    await output.bytes(chunk)
    signal.throwIfAborted()
  }
}
