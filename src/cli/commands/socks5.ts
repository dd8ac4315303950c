import type { Command } from '../command.js'
import { localProxy } from '../local-proxy.js'

/** Serves SOCKS 5 on a local port. */
export const socks5: Command = localProxy('socks5', {
  summary: "Listen on a local port as a SOCKS 5 server, and reach destinations through a peer's proxy.",
  examples: [
    ['fastn-net socks5 TICKET 1080', 'Then: curl --proxy socks5h://127.0.0.1:1080 https://example.com'],
    ['fastn-net socks5 ID52 1080 --service office', 'One of several proxies.']
  ]
})
