type Callback = () => void

// One listener for each signal: programs share a signal among many calls, and Node.js warns of more than ten listeners.
const callbacks = new WeakMap<AbortSignal, Set<Callback>>()

/** Calls back once when the signal aborts, unless {@link offAbort} comes first. The signal must not have aborted, and the callback not throw. */
export function onAbort(signal: AbortSignal, callback: Callback): void {
  let set = callbacks.get(signal)
  if (set === undefined) {
    set = new Set()
    callbacks.set(signal, set)
    signal.addEventListener('abort', dispatch, { once: true })
  }
  set.add(callback)
}

/** Undoes {@link onAbort}. A signal without callbacks has no listener, so that it can be garbage-collected. */
export function offAbort(signal: AbortSignal, callback: Callback): void {
  const set = callbacks.get(signal)
  if (set?.delete(callback) !== true || set.size > 0) return
  callbacks.delete(signal)
  signal.removeEventListener('abort', dispatch)
}

function dispatch(this: AbortSignal): void {
  // A callback may remove others, which are then not called, as with listeners.
  for (const callback of callbacks.get(this) ?? []) callback()
  callbacks.delete(this)
}
