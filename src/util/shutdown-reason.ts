const reasons = new WeakSet<object>()

/** Why a graceful shutdown aborts `cancelled`. */
export function shutdownReason(): DOMException {
  const reason = new DOMException('the program is shutting down', 'AbortError')
  reasons.add(reason)
  return reason
}

/** Whether this is the reason of a shutdown: what rejects with it has ended because it was told to. */
export function isShutdownReason(error: unknown): boolean {
  return typeof error === 'object' && error !== null && reasons.has(error)
}
