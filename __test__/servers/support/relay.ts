import type { ExecutionContext } from 'ava'
import { freePort, LocalServer } from './local-server.js'

/** A relay of iroh's, on plain HTTP. */
export interface Relay {
  readonly url: string
  readonly server: LocalServer
}

/** `token`: what it wants to see of whoever comes. */
export async function startRelay(t: ExecutionContext, token?: string): Promise<Relay> {
  const port = await freePort()
  const server = LocalServer.of(t, 'iroh-relay', {
    port,
    option: '--config-path',
    config: () => `
      http_bind_addr = "127.0.0.1:${port}"
      enable_metrics = false
      access${token === undefined ? ' = "everyone"' : `.shared_token = ["${token}"]`}
    `
  })
  await server.start()
  // As iroh writes it: with a path.
  return { url: `http://127.0.0.1:${port}/`, server }
}
