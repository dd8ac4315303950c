import { printable, printableLines } from './display.js'

const warned = new Set<string>()
const mostWarnings = 100

/**
 * Says what a user's function threw, as a warning of the process: one for each code, so that no peer can fill a log.
 *
 * @param otherwise the code of what has none.
 */
export function warnOnce(error: unknown, otherwise: string, say: (message: string) => string): void {
  const { code = otherwise, message, stack } = wordsOf(error)
  if (warned.has(code) || warned.size >= mostWarnings) return
  warned.add(code)
  process.emitWarning(printable(say(message)), { type: 'FastnNetWarning', code, detail: printableLines(stack) })
}

/** What was thrown, as texts. A user may throw anything: what no text can be made of must not end the process here. */
export function wordsOf(error: unknown): { code: string | undefined; message: string; stack: string } {
  try {
    const { code, message, stack }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
    return { code: typeof code === 'string' ? code : undefined, message: String(message), stack: String(stack ?? '') }
  } catch {
    return { code: undefined, message: `${typeof error} of which no text can be made`, stack: '' }
  }
}

/** Warns of a loop that was collected while it served. */
export function warnDropped(what: string, call: string): void {
  const say = (message: string) =>
    `${message} without return(): it serves no longer. Keep what ${call} gives for as long as it is to serve`
  warnOnce(new Error(`${what} was dropped`), 'ERR_LISTENER_DROPPED', say)
}
