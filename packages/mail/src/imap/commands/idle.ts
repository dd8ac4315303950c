import { expectCount } from '../args.js'
import { BadCommand, type Command } from '../command.js'
import { InputEnded } from '../input.js'
import type { Session } from '../session.js'

/** Reports changes until the client sends DONE (RFC 2177). Coalesces changes that arrive while others are being reported. */
export async function idle(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  const { input, output, view } = session
  output.line('+ idling')
  await output.flush()
  let isDue = false
  let failure: unknown
  let telling: Promise<void> = Promise.resolve()
  const tell = () => {
    if (isDue) return
    isDue = true
    telling = telling
      .then(async () => {
        isDue = false
        await session.sync(true)
        await output.flush()
      })
      .catch(error => {
        failure ??= error
        input.stop()
      })
  }
  const unwatch = view?.mailbox.watch(tell)
  // Changes before the watch began.
  tell()
  try {
    const line = await input.line(100, session.limits.idleTimeoutMs)
    if (typeof line !== 'string' || line.toUpperCase() !== 'DONE') throw new BadCommand('IDLE ends with DONE')
  } catch (error) {
    if (failure && error instanceof InputEnded) throw failure
    throw error
  } finally {
    unwatch?.()
    await telling
  }
  return 'OK IDLE completed'
}
