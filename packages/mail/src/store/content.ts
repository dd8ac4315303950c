import { type FileHandle, open } from 'node:fs/promises'

const carriageReturn = 0x0d
const lineFeed = 0x0a
const chunkBytes = 64 * 1024

/** Counts bare line feeds: files of other programs contain them, but IMAP does not allow them. */
export class BareLineFeeds {
  count = 0
  #last = 0

  add(bytes: Uint8Array): void {
    for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
      if ((at === 0 ? this.#last : bytes[at - 1]) !== carriageReturn) this.count++
    }
    this.#last = bytes.at(-1) ?? this.#last
  }
}

/** Files with bare line feeds above this size are served unchanged, because correction needs memory. */
const maxCorrectedBytes = 64 * 1024 * 1024

/** Size of a file with CRLF line ends, and whether reading must correct them. */
export function corrected(bytes: number, bareLineFeeds: number): { size: number; bare_lf: number } {
  const correct = bareLineFeeds > 0 && bytes <= maxCorrectedBytes
  return { size: bytes + (correct ? bareLineFeeds : 0), bare_lf: correct ? 1 : 0 }
}

/** Reads a file once, and returns its size and number of bare line feeds. */
export async function measure(path: string): Promise<{ bytes: number; bareLineFeeds: number; changed: Date }> {
  const file = await open(path, 'r')
  try {
    const feeds = new BareLineFeeds()
    const chunk = Buffer.allocUnsafe(chunkBytes)
    let bytes = 0
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, bytes)
      if (bytesRead === 0) break
      feeds.add(chunk.subarray(0, bytesRead))
      bytes += bytesRead
    }
    return { bytes, bareLineFeeds: feeds.count, changed: (await file.stat()).mtime }
  } finally {
    await file.close()
  }
}

/** Converts bare line feeds to CRLF. */
export function withCarriageReturns(bytes: Buffer, bareLineFeeds: number): Buffer {
  const whole = Buffer.allocUnsafe(bytes.length + bareLineFeeds)
  let from = 0
  let to = 0
  for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, at + 1)) {
    if (at !== 0 && bytes[at - 1] === carriageReturn) continue
    to += bytes.copy(whole, to, from, at)
    whole[to++] = carriageReturn
    from = at
  }
  to += bytes.copy(whole, to, from)
  return whole.subarray(0, to)
}

/** An open message. Its bytes have CRLF line ends. */
export class MessageContent implements AsyncDisposable {
  /** Length in bytes. */
  readonly bytes: number
  readonly #file: FileHandle
  readonly #whole: Buffer | undefined

  private constructor(file: FileHandle, bytes: number, whole: Buffer | undefined) {
    this.#file = file
    this.bytes = bytes
    this.#whole = whole
  }

  /** Opens a file. Reads one with bare line feeds into memory, to correct them. */
  static async open(path: string, bareLineFeeds: boolean): Promise<MessageContent> {
    const file = await open(path, 'r')
    try {
      const { size } = await file.stat()
      if (!bareLineFeeds) return new MessageContent(file, size, undefined)
      const bytes = await file.readFile()
      const feeds = new BareLineFeeds()
      feeds.add(bytes)
      const whole = withCarriageReturns(bytes, feeds.count)
      return new MessageContent(file, whole.length, whole)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Reads the bytes from `start` to `end`, or to the end of the message. */
  async read(start: number = 0, end: number = this.bytes): Promise<Buffer> {
    const length = Math.max(0, Math.min(end, this.bytes) - start)
    if (this.#whole) return this.#whole.subarray(start, start + length)
    const bytes = Buffer.allocUnsafe(length)
    let filled = 0
    while (filled < length) {
      const { bytesRead } = await this.#file.read(bytes, filled, length - filled, start + filled)
      if (bytesRead === 0) throw new Error('the file of a message was truncated while it was read')
      filled += bytesRead
    }
    return bytes
  }

  /** Reads the same in chunks of 64 KiB. */
  async *chunks(start: number = 0, end: number = this.bytes): AsyncGenerator<Buffer, void, undefined> {
    const until = Math.min(end, this.bytes)
    for (let at = start; at < until; at += chunkBytes) yield await this.read(at, Math.min(at + chunkBytes, until))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close()
  }
}
