import { invalid } from './validate.js'

// QUIC's codes have 62 bits.
const mostCode = 2n ** 62n - 1n

/**
 * A code of the user's own for a reset, a stop or a close, checked: a number where that is exact, else a bigint.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`.
 */
export function userCode(code: unknown, path: string): number | bigint {
  const own = ownCode(code)
  if (own !== undefined) return own
  throw invalid(path, 'a whole number from 0 on, a bigint above 2^53 - 1; 0x100 to 0x1ff are reserved')
}

/** The reason that a web stream was cancelled or aborted with, as a code: 0 where it is none. */
export function codeOf(reason: unknown): number | bigint {
  return ownCode(reason) ?? 0
}

function ownCode(code: unknown): number | bigint | undefined {
  if (typeof code === 'bigint') {
    if (code > BigInt(Number.MAX_SAFE_INTEGER)) return code <= mostCode ? code : undefined
    return code < 0n ? undefined : ownCode(Number(code))
  }
  if (typeof code !== 'number' || !Number.isSafeInteger(code) || code < 0) return undefined
  return code < 0x100 || code > 0x1ff ? code : undefined
}
