import { readdirSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Endpoint, PeerAddress } from 'fastn-net'
import type { Usage } from '../support/commands.js'

/** Resources of this process while it is idle. */
export async function usage(endpoint: Endpoint, peers: readonly PeerAddress[]): Promise<Usage> {
  let streams = 0
  for (const peer of peers) {
    await using view = await endpoint.connect(peer)
    // Recently ended streams may still wait for their last packet. The held connection counts itself.
    const patience = AbortSignal.timeout(15_000)
    while (view.stats().streams > 1 && !patience.aborted) await sleep(50)
    streams += view.stats().streams - 1
  }
  for (let round = 0; round < 3; round++) {
    ;(globalThis as { gc?: () => void }).gc?.()
    await sleep(100)
  }
  return {
    rss: process.memoryUsage.rss(),
    fds: counted(readdirSync('/proc/self/fd').flatMap(kindOf)),
    resources: counted(process.getActiveResourcesInfo().filter(kind => kind !== 'Timeout' && kind !== 'Immediate')),
    streams
  }
}

/** `socket`, `pipe`, `anon_inode:[eventpoll]`, or the file. */
function kindOf(fd: string): string[] {
  try {
    return [readlinkSync(`/proc/self/fd/${fd}`).replace(/:\[\d+\]$/, '')]
  } catch {
    // The descriptor that reads the folder.
    return []
  }
}

function counted(kinds: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of kinds.toSorted()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
