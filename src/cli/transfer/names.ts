import { printable } from '../../util/display.js'
import { TransferError } from './messages.js'

/** Maximum bytes of a name on file systems. */
const maxNameBytes = 255
/** Maximum bytes of a path below the target folder. */
const maxPathBytes = 2048
/** Maximum nesting of folders. */
const maxDepth = 64

/** File names of unfinished transfers. */
const partName = /^\.fastn-net-[0-9a-f]{32}-\d+\.part$/

/** Whether a name is that of a partial file. */
export function isPart(name: string): boolean {
  return partName.test(name)
}

/** Names that Windows interprets as a device, a stream or another name. */
const notOnWindows = /[<>:"|?*]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * Splits a relative path into names. Rejects paths that could leave the target folder or confuse a terminal. Both sides check.
 *
 * @throws {TransferError} `name`.
 */
export function checkPath(path: string): readonly string[] {
  const names = path.split('/')
  if (Buffer.byteLength(path) > maxPathBytes) throw badName(path, 'the path is too long')
  if (names.length > maxDepth) throw badName(path, `it has more than ${maxDepth} folders`)
  for (const name of names) checkName(path, name)
  return names
}

function checkName(path: string, name: string): void {
  if (name === '' || name === '.' || name === '..') throw badName(path, 'it is not below its folder')
  if (name.includes('\\')) throw badName(path, 'it has a backslash')
  if (printable(name) !== name) throw badName(path, 'it has control characters')
  // Lone surrogates and replacement characters do not survive a transfer to another system.
  if (/[\p{Surrogate}\ufffd]/u.test(name)) throw badName(path, 'it is not UTF-8')
  if (Buffer.byteLength(name) > maxNameBytes) throw badName(path, 'a name is too long')
  if (isPart(name)) throw badName(path, 'it is the name of an unfinished transfer')
  if (process.platform === 'win32' && notOnWindows.test(name)) throw badName(path, 'Windows does not allow that name')
}

function badName(path: string, why: string): TransferError {
  return new TransferError('name', `the name '${printable(path.slice(0, 200))}' cannot be used: ${why}`)
}
