const warned = new Set<string>()
const mostWarnings = 100

/**
 * Says what a user's function threw, as a warning of the process: one for each code, so that no peer can fill a log.
 *
 * @param otherwise the code of what has none.
 */
export function warnOnce(error: unknown, otherwise: string, say: (message: string) => string): void {
  const failure: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error))
  const { code, message, stack } = failure
  const type = typeof code === 'string' ? code : otherwise
  if (warned.has(type) || warned.size >= mostWarnings) return
  warned.add(type)
  process.emitWarning(say(message), { type: 'FastnNetWarning', code: type, detail: stack ?? '' })
}
