import type { Call } from './program.js'
import type { Made, Outcome, Side } from './side.js'

const anyCall = ['AbortError', 'ERR_STREAM_RESET', 'ERR_STREAM_STOPPED']
const allowed: Readonly<Record<Call['kind'], readonly string[]>> = {
  write: [...anyCall, 'ERR_STREAM_FINISHED'],
  finish: [...anyCall, 'ERR_STREAM_FINISHED'],
  read: [...anyCall, 'ERR_READ_PENDING'],
  into: [...anyCall, 'ERR_READ_PENDING'],
  line: [...anyCall, 'ERR_READ_PENDING', 'ERR_UNEXPECTED_END'],
  'leave lines': [...anyCall, 'ERR_READ_PENDING'],
  closed: ['ERR_STREAM_RESET', 'ERR_STREAM_STOPPED'],
  reset: [],
  stop: [],
  dispose: []
}

// The library's own codes: of disposal, and of an aborted partly accepted write.
const ownCodes = [0, 0x101]

/** Lists what is wrong with a finished run. `peaceful`: neither side aborted. */
export function judge(one: Side, other: Side, peaceful: boolean): string[] {
  return [
    ...judgeCalls(one, other),
    ...judgeCalls(other, one),
    ...judgeBytes(one, other, peaceful),
    ...judgeBytes(other, one, peaceful)
  ]
}

/** Each call has exactly one outcome, which fits what both sides did. */
function judgeCalls(side: Side, peer: Side): string[] {
  const codes = new Set<unknown>(ownCodes)
  for (const { call } of [...side.made, ...peer.made]) if ('code' in call) codes.add(call.code)
  return side.made.flatMap((made, at) => {
    const wrong = wrongOutcome(made, codes)
    return wrong === null ? [] : [`${side.name}, call ${at + 1} (${JSON.stringify(made.call)}): ${wrong}`]
  })
}

function wrongOutcome(made: Made, codes: ReadonlySet<unknown>): string | null {
  const [outcome, second] = made.outcomes
  if (outcome === undefined) return 'is pending'
  if (second !== undefined) return 'settled twice'
  if ('value' in outcome) return null
  const { error, errorCode } = outcome
  if (!allowed[made.call.kind].includes(error)) return `failed with ${error}`
  if (error === 'AbortError' && made.signal?.aborted !== true) return 'was aborted, but its signal was not'
  if (error === 'ERR_READ_PENDING' && !made.mayBePending) return 'was refused although no read waited'
  if (
    errorCode !== undefined &&
    error.startsWith('ERR_STREAM_') &&
    error !== 'ERR_STREAM_FINISHED' &&
    !codes.has(errorCode)
  )
    return `failed with ${error} and code ${errorCode}, which no side sent`
  return null
}

/** Each byte arrives once and in order, and EOF only after all of them. */
function judgeBytes(sender: Side, receiver: Side, peaceful: boolean): string[] {
  const sent = sender.made.filter(({ bytes }) => bytes !== undefined)
  const whole = Buffer.concat(sent.filter(isDone).map(({ bytes }) => bytes as Uint8Array))
  // The last write may be partial, but nothing may follow it.
  const parts = [
    whole,
    ...sent.filter(made => !isDone(made)).map(({ bytes }) => Buffer.concat([whole, bytes as Uint8Array]))
  ]
  const { end, at, fits } = parts.map(part => place(receiver, part)).find(each => each.fits) ?? place(receiver, whole)
  const way = `${sender.name} to ${receiver.name}`
  if (!fits) return [`${way}: other bytes came than were sent, from byte ${at} on`]
  const finished = sent.some(made => made.call.kind === 'finish' && isDone(made))
  if (end && !finished) return [`${way}: a clean end came, but nothing was finished`]
  if (end && at !== whole.length) return [`${way}: a clean end came behind ${at} of ${whole.length} bytes`]
  if (!peaceful) return []
  if (!end) return [`${way}: no side broke off, and no end came`]
  const closed = sender.made.filter(({ call }) => call.kind === 'closed')
  return closed.every(isDone) ? [] : [`${way}: no side broke off, and closed rejected`]
}

/** Number of received bytes that match `all`, and whether EOF was reached. */
function place(receiver: Side, all: Buffer): { fits: boolean; end: boolean; at: number } {
  let at = 0
  let end = false
  // In call order: a read during a pending read got nothing.
  for (const { call, outcomes } of receiver.made) {
    const [outcome] = outcomes
    if (outcome === undefined) continue
    if (endsStream(call, outcome)) end = true
    if (!('value' in outcome)) continue
    const { value } = outcome
    if (value instanceof Uint8Array) {
      if (end || all.compare(value, 0, value.length, at, Math.min(at + value.length, all.length)) !== 0)
        return { fits: false, end, at }
      at += value.length
    } else if (typeof value === 'string') {
      if (all.toString('latin1', at, at + value.length) !== value) return { fits: false, end, at }
      at += value.length
      // The last line of `lines` needs no newline.
      if (all[at] === 10) at++
      else if (call.kind === 'line') return { fits: false, end, at }
    }
  }
  return { fits: true, end, at }
}

function endsStream(call: Call, outcome: Outcome): boolean {
  return (call.kind === 'read' || call.kind === 'into') && 'value' in outcome && outcome.value === null
}

function isDone({ outcomes: [outcome] }: Made): boolean {
  return outcome !== undefined && 'value' in outcome
}
