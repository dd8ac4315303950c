import { isFastnNetError, type LogRecord, setLogger } from '../index.js'
import { printable } from '../util/display.js'
import { nearest } from '../util/nearest.js'
import { version } from '../version.js'
import { type Arguments, parseArguments } from './arguments.js'
import { type Command, optionsOf } from './command.js'
import { commands } from './commands.js'
import { exit, type Failure, failureOf, UsageError } from './failure.js'
import { commandHelp, program, programHelp } from './help.js'
import { watchInterrupts } from './interrupt.js'
import { ownWords } from './malai.js'
import { type Event, Output, strongFor } from './output.js'

await end(await main(process.argv.slice(2)))

/** Runs the command line. Resolves with the exit status. */
async function main(argv: readonly string[]): Promise<number> {
  const signal = watchInterrupts()
  // Before parsing, because parse errors already need this.
  const output = new Output({ json: argv.includes('--json'), quiet: argv.includes('--quiet') || argv.includes('-q') })
  let name = ''
  const run = async (): Promise<number> => {
    const [first, ...rest] = argv.length === 0 ? [] : ownWords(argv)
    if (first === '--version' || first === '-V') return await print(output, version, { event: 'version', version })
    if (first === undefined) return await printMissing(output)
    if (first === '--help' || first === '-h') return await printHelp(output, undefined)
    if (first === 'help') return await printHelp(output, helped(rest))
    const found = commandOf(first, commands, '')
    name = ` ${found.name}`
    const [command, words] = ofGroup(found, rest)
    name = ` ${command.name}`
    const args = parseArguments(optionsOf(command), command.arguments ?? [], words)
    if (args.has('help')) return await printHelp(output, command)
    startLog(args, output)
    return (await command.run({ name: command.name, args, output, signal })) ?? exit.ok
  }
  try {
    const status = await run()
    // A signal, or a failed write to stdout.
    signal.throwIfAborted()
    return status
  } catch (error) {
    const failure = failureOf(signal.aborted ? signal.reason : error)
    output.clearProgress()
    if (isReported(failure, output)) await output.failure(failure, `${program}${name}`)
    if (failure.status === exit.usage && failure.code === 'ERR_USAGE') output.hint(`Help: ${program}${name} --help`)
    return failure.status
  }
}

/** Whether to print a failure. Not for a closed stdout or a signal: ssh sends one to each ProxyCommand. */
function isReported({ code, status }: Failure, output: Output): boolean {
  if (status === exit.closedPipe) return false
  return output.json || code !== 'ERR_INTERRUPTED' || status === exit.failed
}

/** The selected command of a group, and the remaining arguments. */
function ofGroup(command: Command, [first, ...rest]: readonly string[]): [Command, readonly string[]] {
  if (command.commands === undefined) return [command, first === undefined ? [] : [first, ...rest]]
  if (first === undefined) throw new UsageError(`a command is missing: ${command.arguments?.[0]?.help}`)
  if (first === '--help' || first === '-h') return [command, [first]]
  return [commandOf(first, command.commands, `${command.name} `), rest]
}

/** The command that `help` describes; `undefined` stands for the program. */
function helped([first, second]: readonly string[]): Command | undefined {
  if (first === undefined || first.startsWith('-')) return undefined
  const command = commandOf(first, commands, '')
  if (command.commands === undefined || second === undefined) return command
  return commandOf(second, command.commands, `${command.name} `)
}

function commandOf(name: string, among: readonly Command[], prefix: string): Command {
  if (name.startsWith('-')) throw new UsageError(`unknown option '${printable(name)}': options go after the command`)
  const found = among.find(command => command.name === `${prefix}${name}`)
  if (found !== undefined) return found
  const names = among.map(command => command.name.slice(prefix.length))
  const close = nearest(name, names)
  const advice = close === undefined ? `Commands: ${names.join(', ')}.` : `Did you mean '${close}'?`
  throw new UsageError(`unknown command '${printable(name)}'. ${advice}`)
}

async function printHelp(output: Output, command: Command | undefined): Promise<number> {
  const strong = strongFor(process.stdout)
  const plain = (text: string) => text
  const text = (strong: (text: string) => string) =>
    command === undefined ? programHelp(commands, strong) : commandHelp(command, strong)
  return await print(output, text(strong), { event: 'help', text: text(plain) })
}

async function printMissing(output: Output): Promise<number> {
  if (output.json) throw new UsageError('a command is missing')
  process.stderr.write(`${programHelp(commands, strongFor(process.stderr))}\n`)
  return exit.usage
}

async function print(output: Output, line: string, event: Event): Promise<number> {
  await output.result(line, event)
  return exit.ok
}

function startLog(args: Arguments, output: Output): void {
  const filter = args.text('log')
  if (filter === undefined) return
  try {
    setLogger(record => printRecord(record, output), { filter })
  } catch (error) {
    if (!isFastnNetError(error, 'ERR_INVALID_ARGUMENT')) throw error
    throw new UsageError(`--log: ${error.message}`)
  }
}

function printRecord({ time, level, target, message, fields }: LogRecord, output: Output): void {
  const shown = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`)
  const line = `${new Date(time).toISOString()} ${level} ${target}: ${message}${shown.join('')}`
  output.log(level, printable(line))
}

/** Ends the process once all output is written. A pending read of stdin would keep it alive. */
async function end(status: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.destroyed) await new Promise<void>(resolve => void stream.write('', () => resolve()))
  }
  process.exit(status)
}
