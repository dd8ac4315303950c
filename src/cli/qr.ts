import { renderUnicodeCompact } from 'uqr'

/** A QR code of the text, for a terminal of this width; `undefined` if it is too wide. */
export function qrCode(text: string, columns: number): string | undefined {
  const code = renderUnicodeCompact(text, { ecc: 'L', border: 1 })
  const [first = ''] = code.split('\n')
  return first.length > columns ? undefined : code
}
