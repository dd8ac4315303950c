/** A line, or a part of one where the file's chunk ended first. The newline belongs to its line. */
export interface Piece {
  bytes: Uint8Array
  /** Nothing of this line follows. */
  ends: boolean
}

const newline = 0x0a

/** Cuts bytes into lines, holding no more than one chunk: a line may be as long as the file. */
export async function* pieces(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let open = false
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; ) {
      const found = chunk.indexOf(newline, start)
      const end = found < 0 ? chunk.length : found + 1
      open = found < 0
      yield { bytes: chunk.subarray(start, end), ends: !open }
      start = end
    }
  }
  if (open) yield { bytes: new Uint8Array(0), ends: true }
}
