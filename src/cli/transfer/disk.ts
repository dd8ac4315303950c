import { TransferError } from './messages.js'

/** Converts an error of the file system into one without the path, which both sides may see. */
export async function onDisk<T>(what: string, work: Promise<T>): Promise<T> {
  return await work.catch(error => {
    throw cannot(what, error)
  })
}

/** A failed operation, with the system's reason. */
export function cannot(what: string, error: unknown): TransferError {
  const { code = String(error) } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = { ENOSPC: 'the disk is full', EDQUOT: 'the disk quota is used up' }
  return new TransferError('disk', `the receiver cannot ${what}: ${reasons[code] ?? code}`)
}

/** Maps a missing file to `undefined`. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw cannot('read', error)
}
