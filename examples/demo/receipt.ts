import type { Protocol } from 'fastn-net'

/** What the receiver answers to everything it was sent. */
export interface Receipt {
  bytes: number
  sha256: string
}

/** The protocol of the stream that carries the whole file. */
export const wholeFile: Protocol = { Generic: 'DemoFile' }
