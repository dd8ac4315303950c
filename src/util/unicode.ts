/**
 * A regular expression with properties of Unicode (`\p`), compiled by its first use. V8 checks a literal while the package is imported, and
 * loads the tables of each property for that: more than a millisecond in all.
 */
export function unicodePattern(source: string, flags = 'u'): () => RegExp {
  let compiled: RegExp | undefined
  return () => {
    compiled ??= new RegExp(source, flags)
    return compiled
  }
}
