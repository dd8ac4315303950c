import { isFastnNetError, Protocol } from '../index.js'
import type { Arguments } from './arguments.js'
import { UsageError } from './failure.js'
import { shellWord } from './quote.js'
import type { OptionSpecs } from './specs.js'
import { parseTime } from './units.js'

/** Option that names a service. */
export const serviceOption: OptionSpecs = {
  service: { help: 'Name of the service, if the peer exposes several.', value: 'NAME', short: 's' }
}

/** The peer's arguments for a service, for a hint with a command line. */
export function serviceWords(service: string | undefined): string {
  return service === undefined ? '' : ` --service ${shellWord(service)}`
}

/** Option of commands that listen on a local port. */
export const localHostOption: OptionSpecs = {
  host: {
    help: 'Local address. Any program that can reach it can use the service. Default: 127.0.0.1.',
    value: 'ADDRESS'
  }
}

/** Option of UDP commands. */
export const flowTimeoutOption: OptionSpecs = {
  'flow-timeout': { help: 'How long a client may be silent before its flow ends. Default: 1m.', value: 'TIME' }
}

/** The value of {@link flowTimeoutOption}. */
export function flowTimeoutOf(args: Arguments): { flowTimeout?: number } {
  const time = args.text('flow-timeout')
  return time === undefined ? {} : { flowTimeout: parseTime(time, '--flow-timeout') }
}

/** Protocol of a TCP service: docs/wire.md. */
export function tcpProtocol(service: string | undefined): Protocol {
  return service === undefined ? 'Tcp' : Protocol.generic({ fastn: 'tcp', service })
}

/** Converts an argument error of the library into a usage error. */
export async function checkedByLibrary<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    throw isFastnNetError(error, 'ERR_INVALID_ARGUMENT') ? new UsageError(error.message) : error
  })
}
