import type { Command } from '../command.js'
import { localProxy } from '../local-proxy.js'

/** Serves an HTTP proxy on a local port. */
export const proxy: Command = localProxy('proxy', {
  summary: "Listen on a local port as an HTTP proxy, and reach destinations through a peer's proxy.",
  examples: [
    ['fastn-net proxy TICKET 8080', 'Then: curl --proxy http://127.0.0.1:8080 https://example.com'],
    ['fastn-net proxy ID52 8080 --service office', 'One of several proxies.']
  ]
})
