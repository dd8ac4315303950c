import type { ExecutionContext } from 'ava'
import { type Endpoint, FastnNetError } from 'fastn-net'
import { pair } from './pair.js'

/** Returns a client and a server that are closed when the test ends, and the server's address. */
export async function requestPair(
  t: ExecutionContext
): Promise<{ client: Endpoint; server: Endpoint; peer: ReturnType<Endpoint['address']> }> {
  const ends = await pair({ closeTimeout: 500 })
  t.teardown(() => ends[Symbol.asyncDispose]())
  return { client: ends.client, server: ends.server, peer: ends.server.address() }
}

/** The FastnNetError that a promise fails with. */
export async function failureOf(promise: Promise<unknown>): Promise<FastnNetError> {
  const value = await promise.then(
    value => ({ value }),
    (error: unknown) => error
  )
  if (value instanceof FastnNetError) return value
  throw new Error(`no FastnNetError but ${value instanceof Error ? value.stack : JSON.stringify(value)}`)
}

/** A promise, and the function that resolves it. */
export function gate<Value = void>(): { readonly opened: Promise<Value>; readonly open: (value: Value) => void } {
  let open: (value: Value) => void = () => {}
  const opened = new Promise<Value>(resolve => {
    open = resolve
  })
  return { opened, open: value => open(value) }
}

/** Collects all items. */
export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const result: Item[] = []
  for await (const item of items) result.push(item)
  return result
}

/** Yields each item. */
export async function* each<Item>(items: Iterable<Item>): AsyncGenerator<Item, undefined> {
  yield* items
}
