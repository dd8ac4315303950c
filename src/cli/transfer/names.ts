import { printable } from '../../util/display.js'
import { TransferError } from './messages.js'

/** Most bytes of a name, as file systems have it. */
const maxNameBytes = 255
/** Most bytes of a path below the target folder. */
const maxPathBytes = 2048
/** Most folders in each other. */
const maxDepth = 64

/** Names of the files in which an unfinished transfer waits. */
const partName = /^\.fastn-net-[0-9a-f]{32}-\d+\.part$/

/** Whether a file of this name waits for the rest of its bytes. */
export function isPart(name: string): boolean {
  return partName.test(name)
}

/** Names that Windows takes for a device, a stream or another name. */
const notOnWindows = /[<>:"|?*]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * Splits a relative path into its names. Rejects a path that could leave the target folder or confuse a terminal. Both sides check.
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
  // Lone surrogates and replacement characters: another system would give the file another name.
  if (/[\p{Surrogate}\ufffd]/u.test(name)) throw badName(path, 'it is not UTF-8')
  if (Buffer.byteLength(name) > maxNameBytes) throw badName(path, 'a name is too long')
  if (isPart(name)) throw badName(path, 'it is the name of an unfinished transfer')
  if (process.platform === 'win32' && notOnWindows.test(name)) throw badName(path, 'Windows does not allow that name')
}

function badName(path: string, why: string): TransferError {
  return new TransferError('name', `the name '${printable(path.slice(0, 200))}' cannot be used: ${why}`)
}
