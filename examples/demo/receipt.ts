/** The receiver's answer to each stream. */
export interface Receipt {
  bytes: number
  sha256: string
}

/** Protocol of the stream that carries the whole file. */
export const wholeFile = 'DemoFile'
