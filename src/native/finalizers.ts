import { native } from './addon.js'
import { wake, wakeWord } from './wakeups.js'

// Releases handles that their owners did not release before they were collected. Nothing unregisters: releasing a stale handle is a no-op.
const registry = new FinalizationRegistry<number>(handle => {
  // These waits may refer to their owner weakly. They must leave before their words belong to another handle.
  wake(wakeWord(handle, 0))
  wake(wakeWord(handle, 3))
  native().handleRelease(handle)
})

/** Releases `handle` when `owner` is collected. */
export function releaseWithOwner(owner: object, handle: number): void {
  registry.register(owner, handle)
}

// The set must not refer to its owner: it would never be collected.
const registryOfMany = new FinalizationRegistry<ReadonlySet<number>>(handles => {
  for (const handle of handles) native().handleRelease(handle)
})

/** Releases the handles in `handles` when `owner` is collected. The set may change until then. */
export function releaseAllWithOwner(owner: object, handles: ReadonlySet<number>): void {
  registryOfMany.register(owner, handles)
}

/** The owner of a handle that usually ends on its own, soon. */
export interface ShortLived {
  readonly handle: number
  /** Whether its native half is gone. */
  readonly over: boolean
}

const youngMost = 256
const youngMs = 1000
let young: ShortLived[] = []
let timer: NodeJS.Timeout | undefined

/**
 * Same as {@link releaseWithOwner}, for owners that are usually over before they are collected: registers only those that are left after
 * a while. Registering each stream of a busy server would move all of them to V8's old generation and cost more than the stream.
 */
export function releaseWithOwnerLater(owner: ShortLived): void {
  if (young.push(owner) >= youngMost) sweep()
  else timer ??= setTimeout(sweep, youngMs).unref()
}

function sweep(): void {
  clearTimeout(timer)
  timer = undefined
  for (const owner of young) if (!owner.over) registry.register(owner, owner.handle)
  young = []
}
