// Reads the properties of an addon file: system, processor, required libraries, and the oldest system that it runs on.
import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Binary
 * @property {'linux' | 'darwin' | 'win32'} platform
 * @property {NodeJS.Architecture} arch
 * @property {string[]} needs Shared libraries.
 * @property {string | undefined} glibc The newest version of a glibc symbol, such as `2.28`.
 * @property {string | undefined} macos The oldest macOS, such as `11.0`.
 */

/** @returns {Binary | undefined} `undefined` for an unknown kind of file. */
export function binaryOf(file) {
  const bytes = readFileSync(file)
  if (bytes.length < 64) return undefined
  if (bytes.readUInt32BE(0) === 0x7f454c46) return elf(bytes)
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return machO(bytes)
  if (bytes.toString('latin1', 0, 2) === 'MZ') return portableExecutable(bytes)
  return undefined
}

/** `e_machine` of 64-bit processors, little-endian. */
const machines = { 21: 'ppc64', 62: 'x64', 183: 'arm64', 243: 'riscv64', 258: 'loong64' }

/** @returns {Binary | undefined} */
function elf(bytes) {
  const arch = machines[bytes.readUInt16LE(18)]
  if (arch === undefined || bytes[4] !== 2) return undefined
  const sections = sectionsOf(bytes)
  const dynamic = sections.find(each => each.type === 6)
  const strings = dynamic && sections[dynamic.link]
  if (!strings) return undefined
  const text = at => bytes.toString('latin1', strings.offset + at, bytes.indexOf(0, strings.offset + at))
  const needs = []
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size; at += 16)
    if (bytes.readBigUInt64LE(at) === 1n) needs.push(text(Number(bytes.readBigUInt64LE(at + 8))))
  const names = bytes.toString('latin1', strings.offset, strings.offset + strings.size)
  const versions = [...names.matchAll(/\bGLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
    Number(major),
    Number(minor)
  ])
  const [newest] = versions.sort(([a, b], [c, d]) => c - a || d - b)
  return { platform: 'linux', arch, needs, glibc: newest?.join('.'), macos: undefined }
}

/** @returns {Binary | undefined} */
function machO(bytes) {
  const arch = { 16777223: 'x64', 16777228: 'arm64' }[bytes.readUInt32LE(4)]
  if (arch === undefined) return undefined
  const needs = []
  let macos
  for (let at = 32, left = bytes.readUInt32LE(16); left > 0; left--) {
    const [command, size] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)]
    // LC_LOAD_DYLIB, the same if it may be missing, and the same for re-export.
    if ([0xc, 0x80000018, 0x8000001f].includes(command)) needs.push(textAt(bytes, at + bytes.readUInt32LE(at + 8)))
    // LC_BUILD_VERSION and the older LC_VERSION_MIN_MACOSX.
    const version = { 50: at + 12, 36: at + 8 }[command]
    if (version !== undefined) macos = `${bytes.readUInt16LE(version + 2)}.${bytes[version + 1]}`
    at += size
  }
  return { platform: 'darwin', arch, needs, glibc: undefined, macos }
}

/** @returns {Binary | undefined} */
function portableExecutable(bytes) {
  const header = bytes.readUInt32LE(0x3c)
  const arch = { 34404: 'x64', 43620: 'arm64' }[bytes.readUInt16LE(header + 4)]
  if (arch === undefined) return undefined
  const optional = header + 24
  const table = optional + bytes.readUInt16LE(header + 20)
  const sections = Array.from({ length: bytes.readUInt16LE(header + 6) }, (_, index) => {
    const [size, start, , offset] = [8, 12, 16, 20].map(field => bytes.readUInt32LE(table + index * 40 + field))
    return { size, start, offset }
  })
  const fileOffset = address => {
    const section = sections.find(({ start, size }) => address >= start && address < start + size)
    return section && section.offset + address - section.start
  }
  // Libraries that are loaded immediately (entries of 20 bytes) and on the first call (32 bytes). The name's position differs.
  const needs = [
    { directory: 1, size: 20, name: 12 },
    { directory: 13, size: 32, name: 4 }
  ].flatMap(({ directory, size, name }) => {
    const found = []
    let at = fileOffset(bytes.readUInt32LE(optional + 112 + directory * 8))
    for (; at !== undefined && bytes.readUInt32LE(at + name) !== 0; at += size)
      found.push(textAt(bytes, fileOffset(bytes.readUInt32LE(at + name))))
    return found
  })
  return { platform: 'win32', arch, needs, glibc: undefined, macos: undefined }
}

const textAt = (bytes, at) => bytes.toString('latin1', at, bytes.indexOf(0, at))

/** The sections of a 64-bit ELF file, in the file's order. */
export function sectionsOf(bytes) {
  const table = Number(bytes.readBigUInt64LE(0x28))
  const [size, count, names] = [0x3a, 0x3c, 0x3e].map(at => bytes.readUInt16LE(at))
  const sections = Array.from({ length: count }, (_, index) => {
    const at = table + index * size
    return {
      name: bytes.readUInt32LE(at),
      type: bytes.readUInt32LE(at + 4),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      size: Number(bytes.readBigUInt64LE(at + 32)),
      link: bytes.readUInt32LE(at + 40)
    }
  })
  const start = sections[names].offset
  return sections.map(({ name, ...rest }) => ({
    name: bytes.toString('latin1', start + name, bytes.indexOf(0, start + name)),
    ...rest
  }))
}
