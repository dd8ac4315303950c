// Messages of a soak process to its parent.
import { readdirSync } from 'node:fs'
import { native } from '../../dist/modules/native/addon.js'

/** State of a process. */
export interface Sample {
  readonly kind: 'sample'
  readonly ended: number
  readonly running: number
  /** Bytes. */
  readonly rss: number
  /** Bytes. */
  readonly heap: number
  /** Native handles. */
  readonly handles: number
  readonly fds: number
}

/** Last message of a process. */
export interface Last {
  readonly kind: 'last'
  readonly ended: number
  readonly unexpected: readonly string[]
  readonly lost: readonly string[]
  /** Streams still counted on its connections. */
  readonly streams: number
  /** Native handles. */
  readonly handles: number
  /** Report of its shutdown, as JSON. */
  readonly shutdown: string
}

/** Native handles of this thread. */
export function handleCount(): number {
  return native().handleCount()
}

/** Collects garbage first: memory that the collector would release later is not a leak. */
export function sample(ended: number, running: number): Sample {
  globalThis.gc?.()
  const { rss, heapUsed } = process.memoryUsage()
  const fds = process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0
  return { kind: 'sample', ended, running, rss, heap: heapUsed, handles: handleCount(), fds }
}

/** Sends a message to the parent. */
export function send(message: unknown): void {
  process.send?.(message)
}

/** Aborts when the parent says so, or has ended. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController()
  process.once('message', () => controller.abort())
  process.once('disconnect', () => controller.abort())
  return controller.signal
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

/** Waits until the condition holds, for a limited time. */
export async function until(isSo: () => boolean, milliseconds: number): Promise<boolean> {
  for (const end = performance.now() + milliseconds; performance.now() < end; await pause(50)) if (isSo()) return true
  return isSo()
}
