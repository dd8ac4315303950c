import { builtin } from './builtin.js'
import { printable, printableLines } from './display.js'

const warned = new Set<string>()
const maxWarnings = 100

/**
 * Emits a process warning about an error, once per error code, so that a peer cannot flood a log.
 *
 * @param defaultCode Code for errors that have none.
 * @param format Turns the error's message into the warning.
 */
export function warnOnce(error: unknown, defaultCode: string, format: (message: string) => string): void {
  const { code = defaultCode, message, stack } = describeError(error)
  if (warned.has(code) || warned.size >= maxWarnings) return
  warned.add(code)
  const detail = printableLines(framesOfProgram(stack))
  // The message stands within a sentence.
  process.emitWarning(printable(format(message.replace(/\.$/, ''))), { type: 'FastnNetWarning', code, detail })
}

/** A stack without the frames of this library and of Node.js, or as it is if it has no others. */
function framesOfProgram(stack: string): string {
  const own = ownFrames()
  const isFrame = (line: string) => line.startsWith('    at ')
  const kept = stack.split('\n').filter(line => !isFrame(line) || !own.some(each => line.includes(each)))
  return kept.some(isFrame) ? kept.join('\n') : stack
}

/** Matches stack frames of this library and of Node.js. A frame has a URL or, with source maps, the path of a source file. */
function ownFrames(): string[] {
  const ofNode = ['(<anonymous>)', '(node:', 'at node:', 'async node:']
  // A bundler may leave no URL.
  const url: unknown = import.meta.url
  if (typeof url !== 'string' || !url.startsWith('file:')) return ofNode
  const folders = [new URL('.', url), new URL('../src/', url)]
  return [...ofNode, ...folders.flatMap(({ href }) => [href, builtin('node:url').fileURLToPath(href)])]
}

/** Describes a thrown value. Never throws, even if the value cannot be converted to a string. */
export function describeError(error: unknown): { code: string | undefined; message: string; stack: string } {
  try {
    const { code, message, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
    return { code: typeof code === 'string' ? code : undefined, message: String(message), stack: String(stack ?? '') }
  } catch {
    return { code: undefined, message: `${typeof error} that has no string form`, stack: '' }
  }
}

/** Warns that a loop was garbage-collected while it served. */
export function warnDropped(loop: string, call: string): void {
  const format = (message: string) =>
    `${message} without return() and no longer serves; keep a reference to the result of ${call} while it should serve`
  warnOnce(new Error(`${loop} was garbage-collected`), 'ERR_LISTENER_DROPPED', format)
}
