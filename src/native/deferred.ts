// Kept: a test that puts its own clock in place of the global one must not hold up a header.
const { setTimeout } = globalThis

const due: (() => void)[] = []

/**
 * Runs the task within a millisecond or two, when whoever began something has mostly gone on with it. One timer for all that comes
 * meanwhile: a tick at the end of each turn of the event loop would cost a request more than its stream does.
 */
export function soon(task: () => void): void {
  if (due.push(task) === 1) setTimeout(run, 1)
}

function run(): void {
  // A task may ask for another: that one has its turn in this loop.
  for (let at = 0; at < due.length; at++) due[at]?.()
  due.length = 0
}
