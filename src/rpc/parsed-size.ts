/** Texts up to this length are not measured: with the limit of requests, their size is bounded anyway. */
export const unmeasured: number = 16 * 1024

// Bytes on the heap of Node.js 20, measured. Only an object with many keys that nothing else has takes more, up to twice.
const perValue = 64
const perMember = 24
const perItem = 8

/**
 * Estimates the memory of a JSON text and of its parsed value, in bytes. A peer can make `[{},{},…` 22 times larger by parsing.
 * Reads each character once, and skips strings.
 */
export function parsedSize(text: string): number {
  let size = text.length
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
      case 0x5b: // [
        size += perValue
        break
      case 0x3a: // :
        size += perMember
        break
      case 0x2c: // ,
        size += perItem
        break
      case 0x22: // "
        at = endOfString(text, at)
    }
  }
  return size
}

/** Index of the quote that ends the string which begins at `start`, or of the last character. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes++
    if (escapes % 2 === 0) return end
  }
  return text.length
}
