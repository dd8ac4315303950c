import { createHash } from 'node:crypto'

/** Id of a peer's mail in a store. Ids are unique for their sender only: another peer's must not stand for it. */
export function storeId(peer: string, id: string): string {
  return createHash('sha256').update(`${peer}\0${id}`).digest('hex').slice(0, 40)
}
