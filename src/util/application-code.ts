import { invalid } from './validate.js'

// QUIC error codes have 62 bits.
const maxCode = 2n ** 62n - 1n

/**
 * Checks an application error code for a reset, stop or close. Returns a number if that is exact, else a bigint.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function applicationCode(code: unknown, path: string): number | bigint {
  const checked = codeOrUndefined(code)
  if (checked !== undefined) return checked
  throw invalid(path, 'an integer from 0 on, as a bigint above 2^53 - 1; 0x100 to 0x1ff are reserved')
}

/** Application error code in the cancel or abort reason of a web stream; 0 if the reason is not a code. */
export function codeOf(reason: unknown): number | bigint {
  return codeOrUndefined(reason) ?? 0
}

function codeOrUndefined(code: unknown): number | bigint | undefined {
  if (typeof code === 'bigint') {
    if (code > BigInt(Number.MAX_SAFE_INTEGER)) return code <= maxCode ? code : undefined
    return code < 0n ? undefined : codeOrUndefined(Number(code))
  }
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || code < 0) return undefined
  return code < 0x100 || code > 0x1ff ? code : undefined
}
