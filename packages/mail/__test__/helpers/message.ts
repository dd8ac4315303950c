/** A message of ASCII text with CRLF. */
export function message(subject: string, text = 'Hello.'): Uint8Array {
  const header = [
    'From: Ann <ann@a.fastn>',
    'To: Bob <bob@b.fastn>',
    `Subject: ${subject}`,
    `Message-ID: <${subject}@a.fastn>`
  ]
  return new TextEncoder().encode([...header, '', text, ''].join('\r\n'))
}
