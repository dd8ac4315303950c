/**
 * The word that a mistyped one may have meant: at most half of its characters differ, or one, whatever their case. Else the longest of at
 * least three characters that it begins with.
 */
export function nearest(mistyped: string, words: readonly string[]): string | undefined {
  const [first] = words
    .map(word => ({ word, edits: distance(mistyped.toLowerCase(), word.toLowerCase()) }))
    .sort((a, b) => a.edits - b.edits)
  if (first === undefined || first.edits > Math.max(1, Math.min(first.word.length, mistyped.length) / 2))
    return beginningOf(mistyped.toLowerCase(), words)
  return first.word
}

function beginningOf(mistyped: string, words: readonly string[]): string | undefined {
  const found = words.filter(word => word.length >= 3 && mistyped.startsWith(word.toLowerCase()))
  return found.sort((a, b) => b.length - a.length)[0]
}

/** Levenshtein distance of the first 64 characters. The cut bounds the work. */
function distance(a: string, b: string): number {
  const [from, to] = [a.slice(0, 64), b.slice(0, 64)]
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const [index, character] of [...from].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= to.length; column++) {
      const replaced = (row[column - 1] as number) + (character === to[column - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[column] as number) + 1, (next[column - 1] as number) + 1))
    }
    row = next
  }
  return row.at(-1) as number
}
