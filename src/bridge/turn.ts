const due: (() => void)[] = []

/**
 * Runs the task when this turn of the event loop has come to its end: when all promises that could be settled are. One wake for all
 * tasks, and no way through the event loop, as `setImmediate` would take each time.
 */
export function atTurnEnd(task: () => void): void {
  if (due.push(task) === 1) process.nextTick(run)
}

function run(): void {
  // A task may ask for another: that one has its turn in this loop.
  for (let at = 0; at < due.length; at++) due[at]?.()
  due.length = 0
}
