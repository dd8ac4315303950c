// The part of this layer, and of HTTP, that an endpoint needs once it exists.
export { resolveServeHttp } from '../http/options.js'
export { EndpointState } from '../stream/endpoint-state.js'
export { startAuthorizer } from './authorizer.js'
export { Closing } from './closing.js'
export { closeAtExit, closeWithOwner } from './exit.js'
export { listen } from './listen.js'
export { listenedBy } from './listener.js'
