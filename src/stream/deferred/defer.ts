import { native } from '../../native/addon.js'
import { setTimeout } from '../../util/timers.js'

const tasks: (() => void)[] = []

/**
 * Runs the task within a millisecond or two: by then the caller has usually continued. All tasks share one timer, because a tick at the
 * end of each turn of the event loop would cost a request more than its stream does.
 */
export function defer(task: () => void): void {
  if (tasks.push(task) === 1) setTimeout(run, 1)
}

function run(): void {
  let at = 0
  try {
    // A task may defer another one: this loop runs it too.
    for (; at < tasks.length; at++) tasks[at]?.()
  } finally {
    tasks.splice(0, at + 1)
    // After a task that threw.
    if (tasks.length > 0) setTimeout(run, 1)
  }
}

const unflushed = new Float64Array(1024)
let unflushedCount = 0

/** Flushes a stream's header or ack in a moment, so that they share a packet with the small first bytes and the FIN. */
export function flushLater(handle: number): void {
  if (unflushedCount === 0) defer(flush)
  else if (unflushedCount === unflushed.length) flush()
  unflushed[unflushedCount++] = handle
}

function flush(): void {
  const count = unflushedCount
  unflushedCount = 0
  native().streamsFlush(unflushed, count)
}

/** A stream whose sending has finished. */
export interface FinishedStream {
  readonly handle: number
  readonly readOver: boolean
  readonly reading: boolean
}

let finished: FinishedStream[] = []

/**
 * Lets the core drain a finished stream to its FIN, unless a read waits by then: so the stream's slot is released even if the answer is
 * never read.
 */
export function drainToFinLater(stream: FinishedStream): void {
  if (finished.push(stream) === 1) defer(drainToFin)
}

function drainToFin(): void {
  const streams = finished
  finished = []
  let at = 0
  try {
    for (; at < streams.length; at++) drain(streams[at] as FinishedStream)
  } finally {
    // After a stream that threw, the rest waits for the next run.
    for (const stream of streams.slice(at + 1)) drainToFinLater(stream)
  }
}

function drain({ handle, readOver, reading }: FinishedStream): void {
  if (!readOver && !reading) native().streamIdle(handle % 0x1000000)
}
