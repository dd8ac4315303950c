/** The flags of a message, in the format of the index. */
export interface Flags {
  /** Sum of {@link bits}. */
  readonly system: number
  /** Keywords, sorted, separated by spaces. */
  readonly keywords: string
}

/** IMAP's flags and the letters of Maildir, by their bit. */
export const bits = [
  { bit: 1, flag: '\\Seen', letter: 'S' },
  { bit: 2, flag: '\\Answered', letter: 'R' },
  { bit: 4, flag: '\\Flagged', letter: 'F' },
  { bit: 8, flag: '\\Deleted', letter: 'T' },
  { bit: 16, flag: '\\Draft', letter: 'D' }
] as const

/** The bit of `\Seen`. */
export const seen = 1
/** The bit of `\Deleted`. */
export const deleted = 8

/** Maximum keywords of a message. Further ones are dropped. */
const maxKeywords = 64
const maxKeywordBytes = 100

/** Whether a text may be a keyword: an atom, at most 100 bytes. */
export function isKeyword(text: string): boolean {
  return text.length <= maxKeywordBytes && /^[\x21-\x7e]+$/.test(text) && !/[(){%*"\\\]]/.test(text)
}

/** Parses names into {@link Flags}. System flags are case-insensitive. Drops unknown ones and invalid keywords. */
export function flagsOf(names: Iterable<string>): Flags {
  let system = 0
  const keywords = new Map<string, string>()
  for (const name of names) {
    const known = bits.find(({ flag }) => flag.toLowerCase() === name.toLowerCase())
    if (known) system |= known.bit
    else if (isKeyword(name) && keywords.size < maxKeywords) keywords.set(name.toLowerCase(), name)
  }
  return { system, keywords: [...keywords.values()].sort().join(' ') }
}

/** The names of {@link Flags}. */
export function namesOf({ system, keywords }: Flags): string[] {
  const names: string[] = bits.filter(({ bit }) => system & bit).map(({ flag }) => flag)
  return keywords === '' ? names : [...names, ...keywords.split(' ')]
}

/** How {@link changed} combines flags: replace all, add, or remove. */
export type FlagChange = 'set' | 'add' | 'remove'

/** The flags of a message after a change. Keywords compare without case. */
export function changed(now: Flags, change: FlagChange, by: Flags): Flags {
  if (change === 'set') return by
  const given = by.keywords === '' ? [] : by.keywords.split(' ')
  const lower = new Set(given.map(word => word.toLowerCase()))
  const others = now.keywords.split(' ').filter(word => word !== '' && !lower.has(word.toLowerCase()))
  if (change === 'remove') return { system: now.system & ~by.system, keywords: others.join(' ') }
  return flagsOf(namesOf({ system: now.system | by.system, keywords: [...others, ...given].sort().join(' ') }))
}
