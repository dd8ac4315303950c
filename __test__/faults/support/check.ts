// What must hold whatever happened.
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { errorCodes } from 'fastn-net'
import { type Asked, type Usage, whole } from './commands.js'

/** Milliseconds until a request has ended, with an answer or a code: 30 s of opening, then as long again until a loss is known. */
export const deadline = 65_000

/** Milliseconds for a request that nothing disturbs. Generous: the machine may have much else to do. */
export const promptly = 15_000

/** Bytes by which a process may have grown: the allocator's arenas, not what a fault left behind. */
const growth = 64 * 1024 * 1024

const codes: readonly string[] = errorCodes

/**
 * Every request got its whole answer, or one error with a code, in time; none was delivered twice; one that was answered was
 * delivered whole.
 */
export function checkLedgers(t: ExecutionContext, asked: readonly Asked[], ledgers: readonly string[]): void {
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

/** Everything was answered, and soon. */
export function checkPrompt(t: ExecutionContext, who: string, asked: readonly Asked[]): void {
  const late = asked.filter(([, outcome, , took]) => outcome !== whole || took > promptly)
  t.deepEqual(late.slice(0, 20), [], `${who}: ${late.length} of ${asked.length} requests`)
  t.true(asked.length > 0, `${who} asked nothing`)
}

/** A process holds what it held. */
export function checkUsage(t: ExecutionContext, who: string, then: Usage, now: Usage): void {
  const grown = now.rss - then.rss
  t.log(`${who}: ${mib(then.rss)} MiB, then ${mib(now.rss)} MiB`)
  t.true(grown < growth, `${who} grew by ${mib(grown)} MiB`)
  t.deepEqual(now.fds, then.fds, `file descriptors of ${who}`)
  t.deepEqual(now.resources, then.resources, `what keeps the event loop of ${who}`)
  t.is(now.streams, 0, `streams that ${who} still holds`)
}

/** For the reader: how many ended how. */
export function logOutcomes(t: ExecutionContext, who: string, asked: readonly Asked[]): void {
  const counts = new Map<string, number>()
  for (const [, outcome] of asked) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  const longest = asked.reduce((most, [, , , took]) => Math.max(most, took), 0)
  const shown = [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')
  t.log(`${who}: ${shown || 'nothing'}; the longest took ${longest} ms`)
}

/** The lines of a server's ledger, over all of its lives: what happened, and the number or the code. */
function delivered(ledger: string): [what: string, number: string][] {
  const lines = readFileSync(ledger, 'utf8').split('\n').filter(Boolean)
  return lines.map(line => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)])
}

function mib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0)
}
