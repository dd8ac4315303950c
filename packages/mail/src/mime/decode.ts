/** Decodes encoded words (RFC 2047) in a header's value, a binary string. */
export function decodeHeader(value: string): string {
  // Raw bytes are UTF-8 (RFC 6532).
  const text = /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value
  if (!text.includes('=?')) return text
  // White space between encoded words is not part of the text.
  return text
    .replace(/(=\?[^?\s]{1,40}\?[bq]\?[^?\s]*\?=)\s+(?==\?[^?\s]{1,40}\?[bq]\?)/gi, '$1')
    .replace(
      /=\?([^?\s*]{1,40})(?:\*[^?\s]{0,40})?\?([bq])\?([^?\s]*)\?=/gi,
      (_, charset: string, how: string, encoded: string) => {
        const bytes =
          how.toLowerCase() === 'b'
            ? Buffer.from(encoded, 'base64')
            : decodeQuotedPrintable(encoded.replaceAll('_', ' '))
        return decodeText(bytes, charset)
      }
    )
}

/** Decodes the body of a part: transfer encoding, then charset. */
export function decodeBody(bytes: Buffer, encoding: string, charset: string): string {
  switch (encoding.trim().toLowerCase()) {
    case 'base64':
      return decodeText(Buffer.from(bytes.toString('latin1'), 'base64'), charset)
    case 'quoted-printable':
      return decodeText(decodeQuotedPrintable(bytes.toString('latin1')), charset)
    default:
      return decodeText(bytes, charset)
  }
}

/** Decodes text. Falls back to UTF-8 for an unknown charset. */
export function decodeText(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes)
  } catch {
    return new TextDecoder().decode(bytes)
  }
}

function decodeQuotedPrintable(text: string): Buffer {
  const joined = text.replace(/=[ \t]*\r?\n/g, '')
  return Buffer.from(
    joined.replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1'
  )
}
