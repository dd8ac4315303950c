// The part of requests that an endpoint needs once it exists.
export { callProtocol } from './call.js'
export { routesOf } from './routes.js'
export { clientOf } from './service-methods.js'
export { tellTime, whatTimeIsIt } from './time.js'
