// Invariants of every fault test.
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { errorCodes } from 'fastn-net'
import { type RecordedRequest, type Usage, whole } from './commands.js'

/** Milliseconds until a request must have ended: 30 s to open it, and as long to detect a loss. */
export const deadline = 65_000

/** Milliseconds for an undisturbed request. Generous, because the machine may be busy. */
export const promptly = 15_000

/** Bytes that a process may grow by, for the allocator's arenas. */
const growth = 64 * 1024 * 1024

const codes: readonly string[] = errorCodes

/**
 * Every request got its complete answer, or one error with a code, in time. None was delivered twice. Every answered one was
 * delivered completely.
 */
export function checkLedgers(t: ExecutionContext, asked: readonly RecordedRequest[], ledgers: readonly string[]): void {
  const problems: string[] = []
  const seen = new Map<string, number>()
  const taken = new Set<string>()
  for (const ledger of ledgers) {
    for (const [what, number] of delivered(ledger)) {
      if (what === 'seen') seen.set(number, (seen.get(number) ?? 0) + 1)
      else if (what === 'whole') taken.add(number)
      else if (what !== 'failed' || !codes.includes(number)) problems.push(`${ledger}: ${what} ${number}`)
    }
  }
  for (const [number, times] of seen) if (times > 1) problems.push(`${number} was delivered ${times} times`)
  for (const [number, outcome, , took] of asked) {
    if (outcome !== whole && !codes.includes(outcome)) problems.push(`${number}: ${outcome}`)
    if (outcome === whole && !taken.has(number)) problems.push(`${number} was answered and never delivered`)
    if (took > deadline) problems.push(`${number} took ${took} ms until ${outcome}`)
  }
  t.deepEqual(problems.slice(0, 20), [], `${problems.length} of ${asked.length} requests`)
}

/** Every request was answered promptly. */
export function checkPrompt(t: ExecutionContext, who: string, asked: readonly RecordedRequest[]): void {
  const late = asked.filter(([, outcome, , took]) => outcome !== whole || took > promptly)
  t.deepEqual(late.slice(0, 20), [], `${who}: ${late.length} of ${asked.length} requests`)
  t.true(asked.length > 0, `${who} asked nothing`)
}

/** A process holds no more resources than before. */
export function checkUsage(t: ExecutionContext, who: string, then: Usage, now: Usage): void {
  const grown = now.rss - then.rss
  t.log(`${who}: ${mib(then.rss)} MiB, then ${mib(now.rss)} MiB`)
  t.true(grown < growth, `${who} grew by ${mib(grown)} MiB`)
  t.deepEqual(now.fds, then.fds, `file descriptors of ${who}`)
  t.deepEqual(now.resources, then.resources, `what keeps the event loop of ${who}`)
  t.is(now.streams, 0, `streams that ${who} still holds`)
}

/** Logs the number of requests by outcome. */
export function logOutcomes(t: ExecutionContext, who: string, asked: readonly RecordedRequest[]): void {
  const counts = new Map<string, number>()
  for (const [, outcome] of asked) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const longest = asked.reduce((most, [, , , took]) => Math.max(most, took), 0)
  const shown = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
  t.log(`${who}: ${shown || 'nothing'}; the longest took ${longest} ms`)
}

/** Lines of a server's ledger, over all restarts: the event, and the number or code. */
function delivered(ledger: string): [what: string, number: string][] {
  const lines = readFileSync(ledger, 'utf8').split('\n').filter(Boolean)
  return lines.map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
