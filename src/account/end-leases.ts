import type { Endpoint } from '../endpoint/endpoint.js'
import type { Protocol } from '../errors.js'
import type { AccountData } from './data.js'
import { membersOf } from './groups.js'
import { accountProtocols } from './protocols.js'

/** Maximum concurrent calls. */
const concurrency = 16

/** Notifies a device and peers that the device's lease has ended. Returns the ID52s of unreachable ones. */
export async function endLeases(
  endpoint: Endpoint,
  data: AccountData,
  device: string,
  tell: readonly string[],
  settings: { timeout: number; signal: AbortSignal | undefined }
): Promise<string[]> {
  const missed: string[] = []
  const call = async (id52: string, protocol: Protocol) => {
    try {
      const known = Object.values(data.aliases).find(alias => alias.id52 === id52)
      await endpoint.call(known ?? id52, protocol, { ended: device }, { ...settings, idempotent: true })
    } catch (error) {
      if (settings.signal?.aborted) throw error
      missed.push(id52)
    }
  }
  const peers = membersOf(data, tell)
  peers.delete(device)
  const rest: [string, Protocol][] = [...peers].map(id52 => [id52, accountProtocols.present])
  rest.unshift([device, accountProtocols.end])
  const worker = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) await call(...next)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
  return missed
}
