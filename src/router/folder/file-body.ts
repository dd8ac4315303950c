import type { FileHandle } from 'node:fs/promises'

/** Bytes that are read at once. */
const chunkBytes = 256 * 1024

/** A part of an open file as a body. Closes the file, and then calls `onEnd`. A file that has become shorter is an error. */
export function fileBody(
  file: FileHandle,
  start: number,
  end: number,
  onEnd: () => void
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = start
  const finish = async () => {
    try {
      await file.close()
    } finally {
      onEnd()
    }
  }
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const chunk = new Uint8Array(Math.min(chunkBytes, end - position))
          const { bytesRead } = await file.read(chunk, 0, chunk.length, position)
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
