// What an endpoint needs of its own layer, and of HTTP, once it exists.
export { resolveServeHttp } from '../http/options.js'
export { startAuthorizer } from './authorizer.js'
export { Closing } from './closing.js'
export { listen } from './listen.js'
export { calledAs } from './listener.js'
