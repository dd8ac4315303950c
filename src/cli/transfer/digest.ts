import { createHash, type Hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

const blockBytes = 1024 * 1024

/** Options for hashing the start of a file. */
export interface HashingOptions {
  readonly signal: AbortSignal
  /** Called for each block. */
  readonly onWork?: () => void
}

/** Hashes the first bytes of a file, up to its end. The result can be continued. */
export async function hashStart(file: FileHandle, bytes: number, { signal, onWork }: HashingOptions): Promise<Hash> {
  const hash = createHash('sha256')
  const block = Buffer.allocUnsafe(Math.min(blockBytes, Math.max(bytes, 1)))
  for (let done = 0; done < bytes; ) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, bytes - done), done)
    if (bytesRead === 0) break
    hash.update(block.subarray(0, bytesRead))
    done += bytesRead
    onWork?.()
  }
  return hash
}

/** The digest so far, as hex. The hash can be continued. */
export function digestOf(hash: Hash): string {
  return hash.copy().digest('hex')
}
