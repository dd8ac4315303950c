import { native } from './addon.js'
import { FAILED } from './binding.js'
import type { BindingOutcome } from './binding-types.js'
import { type Context, failure, lastFailure } from './failure.js'
import { always, type WaitOwner, waitForWake, wakeWord } from './wakeups.js'

/**
 * Waits for a long native operation that has just been started, and takes its outcome.
 *
 * The signal cancels the native work and rejects with its reason. `owner` decides whether waiting keeps the process alive.
 */
export async function outcomeOf(
  operation: number,
  context: Context,
  signal?: AbortSignal,
  owner: WaitOwner = always
): Promise<BindingOutcome> {
  if (operation === FAILED) throw lastFailure(context)
  const word = wakeWord(operation, 2)
  try {
    for (;;) {
      await waitForWake(word, signal, owner)
      const outcome = native().opTake(operation)
      // A late wake of the slot's former owner.
      if (outcome === null) continue
      if (outcome.error !== null) throw failure(outcome.error, context)
      return outcome
    }
  } catch (error) {
    // After the outcome was taken this does nothing.
    native().opCancel(operation)
    throw error
  }
}

/** The same, for operations that give a handle. */
export async function handleOf(operation: number, context: Context, signal?: AbortSignal): Promise<number> {
  const { handle } = await outcomeOf(operation, context, signal)
  return handle as number
}
