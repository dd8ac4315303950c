import { native } from './addon.js'

// The last net under handles whose owner was dropped. Registering is not undone: a stale handle lets go of nothing.
const registry = new FinalizationRegistry<number>(handle => native().handleRelease(handle))

/** When `owner` is collected, lets go of `handle`. */
export function releaseWithOwner(owner: object, handle: number): void {
  registry.register(owner, handle)
}

// The set must not refer to its owner, or that is never collected.
const registryOfMany = new FinalizationRegistry<ReadonlySet<number>>(handles => {
  for (const handle of handles) native().handleRelease(handle)
})

/** When `owner` is collected, lets go of what is in `handles` by then. */
export function releaseAllWithOwner(owner: object, handles: ReadonlySet<number>): void {
  registryOfMany.register(owner, handles)
}

/** Something with a handle that mostly ends by itself soon. */
export interface ShortLived {
  readonly handle: number
  /** Nothing native is left of it. */
  readonly over: boolean
}

const youngMost = 256
const youngMs = 1000
let young: ShortLived[] = []
let timer: NodeJS.Timeout | undefined

/**
 * As {@link releaseWithOwner}, for owners that are mostly over before they are dropped: only what is left after a while is registered.
 * Registering each stream of a busy server would move them all to the old generation and cost more than the stream.
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
