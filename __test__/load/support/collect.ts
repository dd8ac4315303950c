import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { ExecutionContext } from 'ava'

setFlagsFromString('--expose-gc')

/** Collects garbage. */
export const collect = runInNewContext('gc') as () => void

/** Collects garbage until the condition holds, for 20 s at most. Returns whether it holds. */
export async function collectUntil(condition: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 1000 && !condition(); turn++) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return condition()
}

/** Records the process warnings of a test. */
export function recordWarnings(t: ExecutionContext): (Error & { code?: string })[] {
  const warnings: (Error & { code?: string })[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  return warnings
}
