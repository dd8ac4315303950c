// The part of this layer that an endpoint needs once it exists.
export { streamSteps } from '../connection/stream-queue.js'
export { acceptConnections } from './accept-connections.js'
export { boundEndpoint } from './bound-endpoint.js'
export { addressOf, connectTo, metricsOf, pingPeer, streamTo, ticketOf } from './endpoint-calls.js'
export { fetchFromPeer, serveHttp } from './http-calls.js'
export { listen } from './listen.js'
export { keepPeer, peersOf, watchPeers } from './peer-calls.js'
