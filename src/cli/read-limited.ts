import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

/** Reads a regular file of at most `maxBytes`. Rejects a FIFO, because waiting for its writer cannot be interrupted. */
export async function readLimited(file: string, maxBytes: number): Promise<Buffer | 'no file' | 'too long'> {
  // Windows has no O_NONBLOCK, so it is 0.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    if (!(await handle.stat()).isFile()) return 'no file'
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(maxBytes + 1), 0, maxBytes + 1, 0)
    return bytesRead > maxBytes ? 'too long' : buffer.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
