import type { Endpoint, PeerStream } from '../../index.js'
import { isFastnNetError } from '../../index.js'
import { printable } from '../../util/display.js'
import { announce, qrOption } from '../announce.js'
import type { Command } from '../command.js'
import type { Context } from '../context.js'
import { accessOf, withEndpoint } from '../endpoint.js'
import { CliError, failureOf, UsageError } from '../failure.js'
import { ProgressDisplay } from '../progress.js'
import { endpointOptions, exposeOptions } from '../specs.js'
import { published, whilePublished } from '../status/publish.js'
import { TargetFolder } from '../transfer/destination.js'
import { errorLine, PeerTransferError, TransferError, transferProtocol } from '../transfer/messages.js'
import { type Offer, readOffer } from '../transfer/offer.js'
import { FileReceiver, type ReceivingOptions } from '../transfer/receive-files.js'
import { receiveToStdout } from '../transfer/receive-stdout.js'
import { IdleLimit, Transfers } from '../transfers.js'
import { formatSize, parseSize } from '../units.js'

/** Maximum bytes of a transfer with --public. */
const publicMaxBytes = 1e9

/** Receives files. */
export const receive: Command = {
  name: 'receive',
  summary: 'Receive files and folders that peers send.',
  description:
    'Prints its ticket, then the path of each received file or folder. Writes only inside FOLDER, follows no links in it,\n' +
    'and replaces files only with --force. Runs until Ctrl-C, or with --once until one transfer is complete.',
  arguments: [{ name: 'FOLDER', help: 'Destination. Default: the current folder; - prints one file.', optional: true }],
  options: {
    ...exposeOptions,
    once: { help: 'End after one complete transfer.' },
    force: { help: 'Replace existing files.' },
    hidden: { help: 'Accept files and folders whose names begin with a dot.' },
    'max-size': { help: 'Maximum bytes of a transfer. Default: 1G with --public, else unlimited.', value: 'SIZE' },
    ...qrOption,
    ...endpointOptions
  },
  examples: [
    ['fastn-net receive --public --once', 'Receive one transfer from any peer with the ticket.'],
    ['fastn-net receive inbox --allow ID52 --key my.key', 'Receive from one peer, always under the same ID52.'],
    ['fastn-net receive - --public --quiet | tar x', 'Pipe one file into a program.']
  ],
  async run(context) {
    const { args } = context
    const path = args.positionals[0] ?? '.'
    const access = accessOf(context)
    const size = args.text('max-size')
    const anySize = args.has('public') ? publicMaxBytes : Number.POSITIVE_INFINITY
    const maxBytes = size === undefined ? anySize : parseSize(size, '--max-size')
    if (path === '-' && context.output.json) throw new UsageError('--json and the bytes of a file exclude each other')
    const target = path === '-' ? undefined : await TargetFolder.open(path, args.has('force'))
    const receiver = new Receiver(context, target, maxBytes)
    await withEndpoint(context, endpoint => receiver.run(endpoint), access)
    return undefined
  }
}

class Receiver {
  readonly #context: Context
  /** Target of files; `undefined` for stdout. */
  readonly #target: TargetFolder | undefined
  readonly #maxBytes: number
  readonly #transfers = new Transfers()
  #finish: (failure?: unknown) => void = () => {}
  /** Whether a file is being written to stdout. */
  #isPrinting = false
  /** Whether stdout already has bytes of a file. */
  #hasPrinted = false

  constructor(context: Context, target: TargetFolder | undefined, maxBytes: number) {
    this.#context = context
    this.#target = target
    this.#maxBytes = maxBytes
  }

  /** Receives until the command ends. */
  async run(endpoint: Endpoint): Promise<void> {
    const { signal } = this.#context
    const finished = new Promise<void>((resolve, reject) => {
      this.#finish = failure => (failure === undefined ? resolve() : reject(failure))
    })
    const listener = endpoint.listen([[transferProtocol, stream => this.#handle(stream)]], { signal })
    await listener.ready
    // stdout is reserved for the file then.
    const isOnStderr = this.#target === undefined
    await announce(this.#context, endpoint, { hint: 'To send to it: fastn-net send TICKET FILE', isOnStderr })
    const ended = async () => void (await Promise.race([finished, listener.closed]))
    await whilePublished(
      this.#context,
      published(endpoint, () => []),
      ended
    )
    await listener.close()
  }

  /** Handles a stream. Never throws, because a reset would hide the reason from the sender. */
  async #handle(stream: PeerStream): Promise<void> {
    const { output, args } = this.#context
    const peer = stream.remoteId52
    try {
      await this.#transfers.admit(stream, () => this.#receive(stream))
      if (args.has('once') || this.#target === undefined) this.#finish()
    } catch (error) {
      const cause = this.#context.signal.aborted ? this.#context.signal.reason : error
      await this.#tell(stream, cause)
      // Partial output is useless.
      if (this.#hasPrinted) return this.#finish(cause)
      const { code, message, details } = failureOf(named(cause))
      await output.event({ event: 'failed', peer, code, message, ...details })
      output.hint(`from ${peer}: ${message}`)
    }
  }

  /** Reports a failure to the sender. */
  async #tell(stream: PeerStream, error: unknown): Promise<void> {
    if (isFastnNetError(error)) return await stream.close()
    try {
      if (!(error instanceof PeerTransferError))
        await stream.finish(errorLine(error), { signal: AbortSignal.timeout(2_000) })
      stream.stop()
    } catch {
      // The sender has left.
    }
  }

  /** Writes a file to stdout, exclusively. */
  async #print(stream: PeerStream, offer: Offer, options: ReceivingOptions): Promise<void> {
    if (this.#isPrinting) throw new TransferError('busy', 'the receiver is busy with another file')
    this.#isPrinting = true
    try {
      await receiveToStdout(stream, offer, this.#context.output, options)
    } finally {
      this.#isPrinting = this.#hasPrinted
    }
  }

  async #receive(stream: PeerStream): Promise<void> {
    const { signal } = this.#context
    const idle = IdleLimit.forOffer()
    const offer = await readOffer(stream, AbortSignal.any([signal, idle.signal]))
    await this.#transfers.alone(offer.id, newer => this.#receiveOffer(stream, offer, AbortSignal.any([signal, newer])))
  }

  async #receiveOffer(stream: PeerStream, offer: Offer, ended: AbortSignal): Promise<void> {
    const { output } = this.#context
    const { name, entries, total } = offer
    const peer = stream.remoteId52
    const files = entries.filter(({ size }) => size !== undefined).length
    if (this.#target !== undefined && name.startsWith('.') && !this.#context.args.has('hidden')) throw hiddenName(name)
    const idle = IdleLimit.forFiles()
    const onBytes = () => {
      idle.refresh()
      this.#hasPrinted = this.#isPrinting
    }
    const progress = new ProgressDisplay(output, name, { total, eventMembers: { peer, name }, onBytes })
    await output.event({ event: 'offer', peer, name, files, bytes: total })
    output.hint(`${peer} sends ${name}${total === null ? '' : `, ${formatSize(total)}`}`)
    const options: ReceivingOptions = {
      signal: AbortSignal.any([ended, idle.signal]),
      progress,
      maxBytes: this.#maxBytes,
      onWork: () => idle.refresh(),
      isActive: id => this.#transfers.isActive(id),
      onFile: (path, bytes, sha256) => output.event({ event: 'file', peer, path, bytes, sha256 })
    }
    if (this.#target === undefined) await this.#print(stream, offer, options)
    else await new FileReceiver(stream, offer, this.#target.fresh(), options).run()
    await stream.finish('{"done":true}\n')
    const { done, moved, seconds } = progress
    const event = { event: 'done', peer, name, files, bytes: done, moved, seconds }
    if (this.#target !== undefined) await output.result(output.shown(name), event)
    output.hint(`received ${printable(name)}: ${progress.summary()}`)
  }
}

/** Dotfiles may configure programs, for example a shell. */
function hiddenName(name: string): TransferError {
  return new TransferError('name', `the name '${printable(name)}' begins with a dot: receive --hidden accepts it`)
}

/** Converts the abort of an interrupted transfer into the command's failure. */
function named(error: unknown): unknown {
  return error instanceof Error ? error : new CliError('ERR_INTERRUPTED', String(error))
}
