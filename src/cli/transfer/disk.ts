import { TransferError } from './messages.js'

/** Turns an error of the file system into one that both sides may see: without the path. */
export async function onDisk<T>(what: string, work: Promise<T>): Promise<T> {
  return await work.catch(error => {
    throw cannot(what, error)
  })
}

/** The failure of an operation, with the reason of the system. */
export function cannot(what: string, error: unknown): TransferError {
  const { code = String(error) } = error as NodeJS.ErrnoException
  const reasons: Readonly<Record<string, string>> = { ENOSPC: 'the disk is full', EDQUOT: 'the disk quota is used up' }
  return new TransferError('disk', `the receiver cannot ${what}: ${reasons[code] ?? code}`)
}

/** Takes a file that is not there for `undefined`. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw cannot('read', error)
}
