import type { ExecutionContext } from 'ava'
import type { HttpHandler } from 'fastn-net'
import { pair } from './pair.js'

/** Opens two endpoints. One serves HTTP, and the returned function fetches from it. Both close after the test. */
export async function httpPair(t: ExecutionContext, handler: HttpHandler) {
  const ends = await pair()
  t.teardown(() => ends[Symbol.asyncDispose]())
  const { client, server } = ends
  const errors: unknown[] = []
  server.serveHttp(handler, { onError: error => errors.push(error) })
  const ask = (path: string, init = {}) => client.fetch(server.address(), path, init)
  return { ask, errors, client, server }
}
