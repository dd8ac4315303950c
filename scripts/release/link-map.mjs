// Reads the linker's map (of rustc's own lld): the bytes of each crate in the addon.
import { readFileSync } from 'node:fs'

/** Parts that belong to no crate: whole sections, by purpose. */
const kinds = {
  '.rodata': '(constants)',
  '.data.rel.ro': '(tables)',
  '.data': '(tables)',
  '.rela.dyn': '(relocations)',
  '.eh_frame': '(unwinding)',
  '.eh_frame_hdr': '(unwinding)',
  '.gcc_except_table': '(unwinding)'
}

/** Code of these crates counts as `std`. */
const standard = new Set(['core', 'alloc', 'std', 'compiler_builtins', 'panic_unwind', '__rustc'])

/**
 * Bytes by crate, and by kind for parts that belong to no single crate. Generic code counts for the crate that defines it, not for those
 * that use it; code that drops a value, for the crate of the value's type.
 *
 * @param {string} file
 * @returns {Record<string, number>} Sorted by name.
 */
export function sizesIn(file) {
  const sizes = new Map()
  const add = (name, size) => sizes.set(name, (sizes.get(name) ?? 0) + size)
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [, size, indent, what] = /^ *[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) +\d+ ( *)(\S.*)$/.exec(line) ?? []
    if (what === undefined) continue
    const bytes = Number.parseInt(size, 16)
    // The map lists sections of the addon, in them the files' sections, and in those the symbols.
    if (indent === '') add(kinds[what] ?? (what === '.text' ? '(code)' : '(other)'), isLoaded(what) ? bytes : 0)
    else if (indent.length === 8) {
      const [, origin, section] = /^(.*):\((\.text[^)]*)\)$/.exec(what) ?? []
      if (section === undefined) continue
      add('(code)', -bytes)
      add(crateOf(section, origin), bytes)
    }
  }
  // The rest is padding between functions, which are aligned.
  sizes.set('(padding)', sizes.get('(code)') ?? 0)
  sizes.delete('(code)')
  return Object.fromEntries([...sizes].filter(([, size]) => size !== 0).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Whether a section is in the file: `.bss` is not. Padding does not belong to its section. */
function isLoaded(section) {
  return !['.bss', '.tbss', '.relro_padding'].includes(section)
}

/**
 * The crate of a function, from its section, which contains the function's name.
 *
 * @param {string} section Such as `.text._RNvNtCs1234_4core3fmt5write`.
 * @param {string} origin The object file; outside Rust, within an archive: `libring-0123.rlib(aes.o)`.
 */
export function crateOf(section, origin) {
  const name = section.replace(/^\.text\.?(unlikely\.|hot\.|startup\.)?/, '')
  const crate = name.startsWith('_R') ? current(name) : name.startsWith('_ZN') ? legacy(name) : undefined
  if (crate !== undefined) return standard.has(crate) ? 'std' : crate
  const archive = /lib([\w-]+?)-[0-9a-f]+\.rlib/.exec(origin)?.[1]
  if (archive !== undefined) return standard.has(archive) ? 'std' : archive
  return origin.includes('.rcgu.o') ? '(exports)' : '(C library)'
}

/** A root of a path: `C`, a number that distinguishes crates of the same name, and the name with its length. */
const root = /C(?:s[0-9a-zA-Z]*_)?(\d+)_?/g

/** In current mangled names, a path starts with its crate, and that of an implementation with the crate that contains it. */
function current(name) {
  const [first, second] = name.matchAll(root)
  const crate = match => match && name.substr(match.index + match[0].length, Number(match[1]))
  return /3ptr(13drop_in_place|9drop_glue)/.test(name) ? (crate(second) ?? crate(first)) : crate(first)
}

/** Older mangled names have types as text: `<ring::Key as core::fmt::Debug>::fmt` is `_$LT$ring..Key$u20$as…`. */
function legacy(name) {
  const [, length, rest] = /^_ZN(\d+)(.*)$/.exec(name) ?? []
  const dropped = /drop_in_place\$LT\$(.*)$/.exec(name)?.[1]
  const [self, trait] = (dropped ?? rest.slice(0, Number(length))).replace(/^_\$LT\$/, '').split('$u20$as$u20$')
  const crate = text => /^(?:\$\w+\$|mut|dyn|_)*?([a-z]\w*)\.\./.exec(text ?? '')?.[1]
  if (dropped !== undefined) return crate(self) ?? 'core'
  if (!rest.startsWith('_$LT$')) return rest.slice(0, Number(length))
  const own = crate(self)
  return own === undefined || standard.has(own) ? (crate(trait) ?? own ?? 'core') : own
}
