import type { Peer } from '../keys/peer.js'
import type { EndpointState } from '../stream/endpoint-state.js'
import { tunnels } from '../tunnel/loaded.js'
import type { ExposeProxyOptions, ProxyOptions } from '../tunnel/options.js'
import type { Tunnel } from '../tunnel/tunnel.js'
import type { internal } from '../util/illegal-constructor.js'
import { TunnelEndpoint } from './tunnel-endpoint.js'

/** Proxies of an {@link Endpoint}: tunnels whose clients choose the destination. Their bytes stay in Rust. */
export abstract class ProxyEndpoint extends TunnelEndpoint {
  readonly #state: EndpointState

  /** @internal */
  protected constructor(key: typeof internal, state: EndpointState) {
    super(key, state)
    this.#state = state
  }

  /**
   * Exposes a proxy to peers: their clients reach the destinations that `targets` allows, from this machine. Peers use it with
   * {@link proxy} and {@link socks5}.
   *
   * - Names are looked up here. Every address that a name has is checked against the rules, and the connection goes to an address that was
   *   checked. An answer of DNS that changes thus reaches nothing else.
   * - Without a rule for them, peers reach no address that is not public: no `localhost`, no private network, no metadata of a cloud, in
   *   whatever spelling.
   * - A peer that loses access loses its connections: see {@link Access}.
   * - The endpoint's `maxStreamsPerPeer` and `maxStreamsTotal` bound the connections. At most 32 names are looked up at a time.
   * - The log tells each destination that was not connected (`fastn_net::tunnel`, level info).
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow` or `targets`. `ERR_PEER_ADDRESS` for a peer in `allow`.
   * `ERR_PROTOCOL_IN_USE` if the endpoint already exposes a proxy of this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   *
   * @example
   * await using tunnel = await endpoint.exposeProxy({ allow: [laptop], targets: ['*:443', '192.168.1.0/24'] })
   */
  exposeProxy(options: ExposeProxyOptions): Promise<Tunnel> {
    return tunnels().exposeProxy(this.#state, options)
  }

  /**
   * Listens on a local port as an HTTP proxy. Its clients reach destinations through the proxy that a peer exposes
   * ({@link exposeProxy}).
   *
   * - CONNECT, which HTTPS needs, and requests for `http:` URLs. Their bodies are streamed both ways; upgrades such as WebSocket pass.
   * - A destination that the peer does not allow gets status 403. One that is not reached gets 502, a peer that does not answer 504.
   * - A request without a whole URL gets 400: a web page that asks for the port of the proxy reaches nothing.
   * - Any program that can reach the local port can use the proxy, including those of other users.
   *
   * @throws {FastnNetError} The errors of {@link bridgeTcp}.
   *
   * @example
   * await using tunnel = await endpoint.proxy(peer, { port: 8080 })
   * console.log(tunnel.url) // curl --proxy http://127.0.0.1:8080 https://example.com
   */
  proxy(peer: Peer, options: ProxyOptions = {}): Promise<Tunnel> {
    return tunnels().listenAsProxy(this.#state, 'http', peer, options)
  }

  /**
   * Listens on a local port as a SOCKS 5 server. Its clients reach destinations through the proxy that a peer exposes
   * ({@link exposeProxy}). IPv4, IPv6 and names, which the peer looks up: `tunnel.url` begins with `socks5h:`.
   *
   * - CONNECT without authentication. Other commands get reply 7.
   * - A destination that the peer does not allow gets reply 2, one that refuses 5, one that was not found or does not answer 4. A peer
   *   that cannot be reached is reply 3.
   * - Greeting and request must come within 10 s.
   * - Any program that can reach the local port can use the proxy, including those of other users.
   *
   * @throws {FastnNetError} The errors of {@link bridgeTcp}.
   *
   * @example
   * await using tunnel = await endpoint.socks5(peer, { port: 1080 })
   * console.log(tunnel.url) // curl --proxy socks5h://127.0.0.1:1080 https://example.com
   */
  socks5(peer: Peer, options: ProxyOptions = {}): Promise<Tunnel> {
    return tunnels().listenAsProxy(this.#state, 'socks5h', peer, options)
  }
}
