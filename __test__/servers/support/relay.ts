import type { ExecutionContext } from 'ava'
import { freePort, LocalServer } from './local-server.js'

/** iroh's relay, on plain HTTP. */
export interface Relay {
  readonly url: string
  readonly server: LocalServer
}

/** `token`: access token that the relay requires. `host`: local address. */
export async function startRelay(t: ExecutionContext, token?: string, host = '127.0.0.1'): Promise<Relay> {
  const port = await freePort()
  const server = LocalServer.of(t, 'iroh-relay', {
    port,
    option: '--config-path',
    config: () => `
      http_bind_addr = "${host === '127.0.0.1' ? host : '0.0.0.0'}:${port}"
      enable_metrics = false
      access${token === undefined ? ' = "everyone"' : `.shared_token = ["${token}"]`}
    `
  })
  await server.start()
  // Like iroh writes it: with a path.
  return { url: `http://${host}:${port}/`, server }
}
