import type { FileHandle } from 'node:fs/promises'

/** Bytes that are read at once. */
const chunkBytes = 256 * 1024

/** Bodies that are being sent. */
export class FileBodies {
  /** What breaks off each body in progress. */
  readonly #cuts = new Set<(reason: Error) => void>()

  /** A part of an open file as a body. Closes the file, and then calls `onEnd`. A file that has become shorter is an error. */
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
            if (bytesRead === 0) throw new Error('the file has become shorter while it was sent')
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

  /** Breaks off what is being sent. Its receivers get a reset, and never a clean end. */
  cut(reason: Error): void {
    for (const cut of [...this.#cuts]) cut(reason)
  }
}
