/** A line, or part of a line that spans chunks of the file. Includes the newline. */
export interface Piece {
  bytes: Uint8Array
  /** True for the last piece of a line. */
  ends: boolean
}

const newline = 0x0a

/** Splits bytes into lines. Holds at most one chunk, because a line may be as long as the file. */
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
