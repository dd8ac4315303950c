import type { FileHandle } from 'node:fs/promises'

/** Bytes per read. */
const chunkBytes = 256 * 1024

/** Bodies in progress. */
export class FileBodies {
  /** Aborts each body in progress. */
  readonly #cuts = new Set<(reason: Error) => void>()

  /** A range of an open file as a body. Closes the file, then calls `onEnd`. Fails if the file shrinks. */
  body(file: FileHandle, start: number, end: number, onEnd: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    let position = start
    let cut: (reason: Error) => void = () => {}
    let hasEnded = false
    const finish = async () => {
      if (hasEnded) return
      hasEnded = true
      this.#cuts.delete(cut)
      try {
        await file.close()
      } finally {
        onEnd()
      }
    }
    return new ReadableStream(
      {
        start: controller => {
          cut = reason => {
            controller.error(reason)
            finish().catch(() => {})
          }
          this.#cuts.add(cut)
        },
        async pull(controller) {
          try {
            const chunk = new Uint8Array(Math.min(chunkBytes, end - position))
            const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
            if (hasEnded) return
            if (bytesRead === 0) throw new Error('the file was truncated while it was sent')
            position += bytesRead
            controller.enqueue(chunk.subarray(0, bytesRead))
            if (position < end) return
          } catch (error) {
            await finish()
            throw error
          }
          await finish()
          controller.close()
        },
        cancel: finish
      },
      { highWaterMark: 0 }
    )
  }

  /** Aborts bodies in progress. Receivers get a reset, never a clean end. */
  cut(reason: Error): void {
    for (const cut of [...this.#cuts]) cut(reason)
  }
}
