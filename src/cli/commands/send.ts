import { setTimeout as sleep } from 'node:timers/promises'
import { type CodeClass, codeClasses } from '../../code-classes.js'
import { type Endpoint, isFastnNetError } from '../../index.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { withEndpoint } from '../endpoint.js'
import { failureOf, UsageError } from '../failure.js'
import { ProgressDisplay } from '../progress.js'
import { endpointOptions } from '../specs.js'
import { transferProtocol } from '../transfer/messages.js'
import { FileSender } from '../transfer/send-files.js'
import { pathSource, type Source, stdinSource } from '../transfer/source.js'
import { formatTime, parseSize, parseTime } from '../units.js'

/** Sends files. */
export const send: Command = {
  name: 'send',
  summary: 'Send a file, a folder or stdin to a peer that runs receive.',
  description:
    'Links in a folder are not sent. If the connection is lost, the transfer resumes when the peer returns. After an abort,\n' +
    'run the same command to resume: data that the receiver has is not sent again.',
  arguments: [
    { name: 'PEER', help: 'Ticket or ID52 that receive printed.' },
    { name: 'FILE', help: 'File or folder; - sends stdin.' }
  ],
  options: {
    name: { help: "Name at the receiver. Default: the file's own; 'stdin' for -.", value: 'NAME', short: 'n' },
    'limit-rate': { help: 'Maximum bytes per second: 500k, 2M.', value: 'SIZE' },
    'retry-for': { help: 'How long to wait for a lost peer. Default: 2m.', value: 'TIME' },
    ...endpointOptions
  },
  examples: [
    ['fastn-net send TICKET photos', 'Send a folder.'],
    ['tar c . | fastn-net send TICKET - --name backup.tar', 'Send the output of a program.'],
    ['fastn-net send TICKET film.mp4 --limit-rate 2M', 'Leave bandwidth for other programs.']
  ],
  async run(context) {
    const { args, signal } = context
    const [path, name] = [args.required(1), args.text('name')]
    const rate = args.text('limit-rate')
    const limitRate = rate === undefined ? Number.POSITIVE_INFINITY : parseSize(rate, '--limit-rate')
    if (limitRate === 0) throw new UsageError('--limit-rate must be above 0')
    const retryMs = parseTime(args.text('retry-for') ?? '2m', '--retry-for')
    if (path === '-' && args.text('key') === '-') throw new UsageError('stdin cannot be both the key and the file')
    const source = path === '-' ? stdinSource(name ?? 'stdin') : await pathSource(path, name, signal)
    for (const skipped of source.skipped)
      context.output.hint(`not sent, because it is not a file or folder: ${skipped}`)
    await withEndpoint(context, endpoint => sendWithRetries(context, endpoint, source, { limitRate, retryMs }))
    return undefined
  }
}

/** Failures after which the transfer can resume. */
const retryable: ReadonlySet<CodeClass> = new Set(['unreachable', 'timeout', 'unavailable'])

async function sendWithRetries(
  context: Context,
  endpoint: Endpoint,
  source: Source,
  { limitRate, retryMs }: { limitRate: number; retryMs: number }
): Promise<void> {
  const { args, output, signal } = context
  const progress = new ProgressDisplay(output, source.name, { total: source.total })
  let lastContact: number | undefined
  while (true) {
    try {
      const stream = await endpoint.getStream(args.required(0), transferProtocol, { signal })
      progress.done = 0
      try {
        await output.event({ event: 'connected', peer: stream.remoteId52 })
        await new FileSender(stream, source, { signal, progress, limitRate }).run()
      } finally {
        lastContact = performance.now()
        await stream.close()
      }
      return await report(context, source, progress, stream.remoteId52)
    } catch (error) {
      const { code, message } = failureOf(error)
      const isLost = isFastnNetError(error) && retryable.has(codeClasses[error.code])
      const leftMs = lastContact === undefined ? 0 : lastContact + retryMs - performance.now()
      if (signal.aborted || !isLost || leftMs <= 0 || source.total === null) throw error
      await output.event({ event: 'retry', code, message })
      output.hint(`${message}; trying again for ${formatTime(leftMs / 1000)}`)
      await sleep(1_000, undefined, { signal })
    }
  }
}

async function report({ output }: Context, source: Source, progress: ProgressDisplay, peer: string): Promise<void> {
  const files = source.entries.filter(({ size }) => size !== undefined).length
  const { done, moved, seconds } = progress
  await output.event({ event: 'done', peer, name: source.name, files, bytes: done, moved, seconds })
  output.hint(`sent ${source.name}: ${progress.summary()}`)
}
