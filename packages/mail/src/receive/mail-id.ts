import { createHash } from 'node:crypto'

/** ID of a peer's mail in a store. Includes the peer, because IDs are unique only per sender. */
export function storeId(peer: string, id: string): string {
  return createHash('sha256').update(`${peer}\0${id}`).digest('hex').slice(0, 40)
}
