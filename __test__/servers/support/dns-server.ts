import type { ExecutionContext } from 'ava'
import { freePort, LocalServer } from './local-server.js'

/** iroh's DNS server. Accepts records by pkarr and serves them by pkarr and DNS. */
export interface DnsServer {
  /** pkarr URL. */
  readonly pkarr: string
  readonly dns: { readonly origin: string; readonly server: string }
  readonly server: LocalServer
}

/** Available once its `server` is started. */
export async function dnsServer(t: ExecutionContext): Promise<DnsServer> {
  const [http, dns] = [await freePort(), await freePort()]
  const origin = 'peers.example.'
  const server = LocalServer.of(t, 'iroh-dns-server', {
    port: http,
    option: '--config',
    config: folder => `
      pkarr_put_rate_limit = "disabled"
      data_dir = "${folder}"
      [http]
      port = ${http}
      bind_addr = "127.0.0.1"
      [dns]
      port = ${dns}
      bind_addr = "127.0.0.1"
      default_soa = "ns1.${origin} hostmaster.${origin} 0 10800 3600 604800 3600"
      default_ttl = 30
      origins = ["${origin}", "."]
      rr_a = "127.0.0.1"
      rr_ns = "ns1.${origin}"
      [metrics]
      disabled = true
    `
  })
  return { pkarr: `http://127.0.0.1:${http}/pkarr`, dns: { origin, server: `127.0.0.1:${dns}` }, server }
}
