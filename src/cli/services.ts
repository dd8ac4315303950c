import { isFastnNetError, Protocol } from '../index.js'
import { UsageError } from './failure.js'
import type { OptionSpecs } from './specs.js'

/** Option of a command that names a TCP service. */
export const serviceOption: OptionSpecs = {
  service: { help: 'Name of the service, if the peer exposes several.', value: 'NAME', short: 's' }
}

/** Protocol of a TCP service: docs/wire.md. */
export function tcpProtocol(service: string | undefined): Protocol {
  return service === undefined ? 'Tcp' : Protocol.generic({ fastn: 'tcp', service })
}

/** Turns an argument that the library rejects into a usage error. */
export async function checkedByLibrary<T>(work: Promise<T>): Promise<T> {
  return await work.catch((error: unknown) => {
    throw isFastnNetError(error, 'ERR_INVALID_ARGUMENT') ? new UsageError(error.message) : error
  })
}
