/** A value with parameters: `text/plain; charset=utf-8`. */
export interface Parameterised {
  /** The part before the first `;`, trimmed. */
  readonly value: string
  /** Lower-case name and value of each parameter, in order. */
  readonly parameters: readonly (readonly [name: string, value: string])[]
}

/** Maximum parameters of one field. */
const maxParameters = 50
/** Maximum bytes of a parameter's value. */
const maxValueBytes = 2000

/** Parses a structured value: Content-Type and Content-Disposition. Removes comments in parentheses. */
export function parseParameters(text: string): Parameterised {
  const parts = split(withoutComments(text.slice(0, 64 * 1024)))
  const parameters: [string, string][] = []
  for (const part of parts.slice(1, maxParameters + 1)) {
    const equals = part.indexOf('=')
    if (equals <= 0) continue
    const name = part.slice(0, equals).trim().toLowerCase()
    const value = unquote(part.slice(equals + 1).trim()).slice(0, maxValueBytes)
    if (/^[\x21-\x7e]+$/.test(name)) parameters.push([name, value])
  }
  return { value: (parts[0] ?? '').trim(), parameters }
}

/** A parameter's value, or `undefined`. */
export function parameterOf({ parameters }: Parameterised, name: string): string | undefined {
  return parameters.find(([given]) => given === name)?.[1]
}

/** Splits at the semicolons outside of quotes. */
function split(text: string): string[] {
  const parts: string[] = []
  let isQuoted = false
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (isQuoted && char === '\\') at++
    else if (char === '"') isQuoted = !isQuoted
    else if (char === ';' && !isQuoted) {
      parts.push(text.slice(start, at))
      start = at + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

/** Removes the quotes and escapes of a quoted string. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  const end = text.lastIndexOf('"')
  return text.slice(1, end > 0 ? end : undefined).replace(/\\(.)/gs, '$1')
}

/** Removes comments, which may be nested, outside of quotes. */
export function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  let out = ''
  let depth = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string
    const escaped = char === '\\' && (isQuoted || depth > 0)
    const piece = escaped ? text.slice(at, at + 2) : char
    if (escaped) at++
    if (depth === 0 && char === '"') isQuoted = !isQuoted
    if (!isQuoted && char === '(') depth++
    if (depth === 0) out += piece
    if (!isQuoted && depth > 0 && char === ')') depth--
  }
  return out
}
