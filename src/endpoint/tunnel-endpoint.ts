import type { EndpointState } from '../stream/endpoint-state.js'
import type { BridgeHttpOptions, ExposeHttpOptions } from '../tunnel/http-options.js'
import { tunnels } from '../tunnel/loaded.js'
import type {
  BridgeOptions,
  BridgeUdpOptions,
  ExposeOptions,
  ExposeUdpOptions,
  TunnelTarget
} from '../tunnel/options.js'
import type { Tunnel } from '../tunnel/tunnel.js'
import type { internal } from '../util/illegal-constructor.js'
import { HttpEndpoint } from './http-endpoint.js'

/** Tunnels of an {@link Endpoint}. Their bytes stay in Rust. */
export abstract class TunnelEndpoint extends HttpEndpoint {
  readonly #state: EndpointState

  /** @internal */
  protected constructor(key: typeof internal, state: EndpointState) {
    super(key)
    this.#state = state
  }

  /**
   * Exposes a TCP service or a Unix socket to peers. They reach it with {@link bridgeTcp}. Each of their connections becomes one to
   * `target`, and one stream.
   *
   * - A half-close is carried as such, and a reset as a reset. A target that refuses, or a lost peer, is a reset too. A Unix socket has no
   *   reset and just closes.
   * - A peer that loses access loses its connections: see {@link Access}.
   * - The endpoint's `maxStreamsPerPeer` and `maxStreamsTotal` bound the connections.
   * - Connects to nothing before a peer does. Failures to connect are in the log (`fastn_net::tunnel`).
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow`. `ERR_PEER_ADDRESS` for a peer in `allow`. `ERR_PROTOCOL_IN_USE` if
   * the endpoint already exposes a service of this name. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   *
   * @example
   * await using tunnel = await endpoint.exposeTcp('localhost:5432', { allow: [colleague], service: 'database' })
   */
  exposeTcp(target: TunnelTarget, options: ExposeOptions): Promise<Tunnel> {
    return tunnels().expose(this.#state, 'tcp', target, options)
  }

  /**
   * Listens on a local port or Unix socket, and carries each connection to the service that a peer exposes ({@link exposeTcp}). Also
   * reaches Tcp services of older peers.
   *
   * - Dials the peer when the first client connects. A client's first bytes travel without a round trip before them.
   * - A client's connection is reset if the peer cannot be reached, does not expose the service, refuses this endpoint, or is lost: a
   *   silent peer within 10 s. The log says why (`fastn_net::tunnel`).
   * - Any program that can reach the local port can use the service, including those of other users. A Unix socket in a private folder is
   *   for one user only.
   *
   * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used; the message names it. `ERR_INVALID_ARGUMENT`.
   * `ERR_PEER_ADDRESS`. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   *
   * @example
   * const bridge = await endpoint.bridgeTcp({ peer, service: 'database', port: 5432 })
   * await bridge.closed
   */
  bridgeTcp(options: BridgeOptions): Promise<Tunnel> {
    return tunnels().bridge(this.#state, 'tcp', options)
  }

  /**
   * Exposes a UDP service to peers, which reach it with {@link bridgeUdp}. Each client's flow gets a local socket of its own, which sends
   * to `target`. One stream carries a flow: nothing is reordered, and a datagram on its way is not lost unless the peer is. A Unix socket
   * is no target.
   *
   * @throws {FastnNetError} The errors of {@link exposeTcp}.
   *
   * @example
   * await using tunnel = await endpoint.exposeUdp('127.0.0.1:53', { allow: [colleague], service: 'dns' })
   */
  exposeUdp(target: TunnelTarget, options: ExposeUdpOptions): Promise<Tunnel> {
    return tunnels().expose(this.#state, 'udp', target, options)
  }

  /**
   * Listens on a local UDP port, and carries the datagrams of each client to the service that a peer exposes ({@link exposeUdp}), and back.
   * Datagrams that find no room are dropped: those of a client that sends faster than the peer takes them, and those of too many clients.
   *
   * @throws {FastnNetError} The errors of {@link bridgeTcp}.
   *
   * @example
   * await using bridge = await endpoint.bridgeUdp({ peer, service: 'dns', port: 5353 })
   */
  bridgeUdp(options: BridgeUdpOptions): Promise<Tunnel> {
    return tunnels().bridge(this.#state, 'udp', options)
  }

  /**
   * Exposes an HTTP service to peers, which reach it with {@link bridgeHttp} and {@link fetch}. `target` is `'http://host:port'`,
   * `'https://host'`, `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
   *
   * - The header `fastn-peer` is the ID52 of the peer; no client can set it. `x-forwarded-host` and `x-forwarded-proto` say what the client
   *   asked for. What clients send in these and similar headers is removed.
   * - Bodies are streamed both ways at once. Trailers, `Expect: 100-continue`, Server-Sent Events and upgrades such as WebSocket pass.
   *   Other interim answers, such as 103, do not.
   * - A target that fails within an answer resets it, and a client that leaves cancels its request at the target. A target that cannot be
   *   reached is status 502, a slow one 504.
   * - Without a name, older peers reach it too, over their protocol `Http`: without trailers, interim answers and upgrades.
   * - Connections to the target are kept and used again, over HTTP/2 if a target with `https` speaks it. Nothing is connected before a
   *   peer asks.
   *
   * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also without `allow`. `ERR_PEER_ADDRESS` for a peer in `allow`. `ERR_PROTOCOL_IN_USE` if
   * the endpoint already serves HTTP under this name, by {@link serveHttp} too. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   *
   * @example
   * await using tunnel = await endpoint.exposeHttp(3000, { allow: [colleague] })
   */
  exposeHttp(target: TunnelTarget, options: ExposeHttpOptions): Promise<Tunnel> {
    return tunnels().exposeHttp(this.#state, target, options)
  }

  /**
   * Listens on a local port or Unix socket, and sends each HTTP request to the service of a peer ({@link exposeHttp} or {@link serveHttp}).
   * The request's Host says which: `<id52>.localhost`, `<service>.<id52>.localhost`, or a host of `hosts`. Given a `peer`, `localhost` is
   * that peer.
   *
   * - Requests to other hosts get status 421. So no web site can use the bridge under a name of its own.
   * - Dials a peer when the first request to it comes. A client gets status 403 if the peer does not let this endpoint use the service,
   *   and 502, 503 or 504 with a text if there is no answer.
   * - Reaches older peers too, over their protocol `Http`: without trailers, interim answers, upgrades and named services.
   * - Any program that can reach the local port can use the services, including those of other users.
   *
   * @throws {FastnNetError} `ERR_LISTEN` if the local address cannot be used; the message names it. `ERR_INVALID_ARGUMENT`.
   * `ERR_PEER_ADDRESS`. `ERR_SHUTTING_DOWN`. `ERR_CLOSED`.
   *
   * @example
   * const bridge = await endpoint.bridgeHttp({ peer, port: 8080 })
   * console.log(`open ${bridge.url}`)
   */
  bridgeHttp(options: BridgeHttpOptions = {}): Promise<Tunnel> {
    return tunnels().bridgeHttp(this.#state, options)
  }
}
