/** Maximum pattern. Names are not longer, and the cost grows with the pattern. */
const maxPatternLength = 400

/**
 * Whether a name matches a pattern of LIST: `*` is any text, `%` any text without a separator. INBOX matches in any case. Takes time in
 * proportion to the lengths of both.
 */
export function matches(name: string, pattern: string, separator: string): boolean {
  if (pattern.length > maxPatternLength) return false
  if (name.toUpperCase() === 'INBOX') return matchesExactly('INBOX', pattern.toUpperCase(), separator)
  return matchesExactly(name, pattern, separator)
}

function matchesExactly(name: string, pattern: string, separator: string): boolean {
  // Pattern positions reachable by the name so far.
  let reached = skipWildcards(new Set([0]), pattern)
  for (const char of name) {
    const next = new Set<number>()
    for (const at of reached) {
      const wanted = pattern[at]
      if (wanted === '*' || (wanted === '%' && char !== separator)) next.add(at)
      else if (wanted === char && wanted !== '%') next.add(at + 1)
    }
    if (next.size === 0) return false
    reached = skipWildcards(next, pattern)
  }
  return reached.has(pattern.length)
}

/** Wildcards also match the empty string. */
function skipWildcards(reached: Set<number>, pattern: string): Set<number> {
  for (const at of reached) if (pattern[at] === '*' || pattern[at] === '%') reached.add(at + 1)
  return reached
}
