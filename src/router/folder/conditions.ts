/** A byte range of a file; `end` is exclusive. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/** Validators of a version of a file. */
export interface Validators {
  readonly etag: string
  /** Last change, in whole seconds. */
  readonly changed: number
}

/** Status required by the conditions of a request; `undefined` to send the file. RFC 9110, section 13.2.2. */
export function precondition(headers: Headers, { etag, changed }: Validators): 304 | 412 | undefined {
  const [match, noneMatch] = [headers.get('if-match'), headers.get('if-none-match')]
  const unmodifiedSince = dateOf(headers.get('if-unmodified-since'))
  if (match !== null) {
    if (!tagsOf(match).some(tag => tag === '*' || tag === etag)) return 412
  } else if (unmodifiedSince !== undefined && changed > unmodifiedSince) return 412
  if (noneMatch !== null) {
    return tagsOf(noneMatch).some(tag => tag === '*' || tag.replace(/^W\//, '') === etag) ? 304 : undefined
  }
  const modifiedSince = dateOf(headers.get('if-modified-since'))
  return modifiedSince !== undefined && changed <= modifiedSince ? 304 : undefined
}

/**
 * The requested range; `'none'` if it is not satisfiable, `undefined` for the whole file. Multiple ranges get the whole file, which
 * RFC 9110 allows.
 */
export function rangeOf(headers: Headers, size: number, validators: Validators): ByteRange | 'none' | undefined {
  const [, first, last] = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i.exec(headers.get('range') ?? '') ?? []
  if (first === undefined || last === undefined || first + last === '') return undefined
  if (!isFresh(headers.get('if-range'), validators)) return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'none' : { start: size - length, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) return 'none'
  return { start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}

/** Whether the client's partial copy has this version. */
function isFresh(ifRange: string | null, { etag, changed }: Validators): boolean {
  return ifRange === null || ifRange === etag || dateOf(ifRange) === changed
}

function tagsOf(list: string): string[] {
  return list.split(',').map(tag => tag.trim())
}

/** Seconds of an HTTP date. */
function dateOf(text: string | null): number | undefined {
  const time = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000)
}
