/** Encodes a name as modified UTF-7 (RFC 3501, section 5.1.3): names of mailboxes on the wire and on disk. */
export function encodeUtf7(text: string): string {
  return text.replace(/&|[^\x20-\x7e]+/g, run => {
    if (run === '&') return '&-'
    const bytes = Buffer.from(run, 'utf16le').swap16()
    return `&${bytes.toString('base64').replace(/=+$/, '').replaceAll('/', ',')}-`
  })
}

/** Decodes modified UTF-7. Returns `undefined` for a non-canonical encoding, so that two names never decode to one. */
export function decodeUtf7(encoded: string): string | undefined {
  if (!/^[\x20-\x7e]*$/.test(encoded)) return undefined
  const text = encoded.replace(/&([^-]*)-/g, (_, base64: string) => {
    if (base64 === '') return '&'
    const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64')
    return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : '\0'
  })
  return encodeUtf7(text) === encoded ? text : undefined
}
