// The part of tunnels that an endpoint needs once it exists.
export { bridgeHttp, exposeHttp } from './http.js'
export { bridge, expose } from './open.js'
export { exposeProxy, listenAsProxy } from './proxy.js'
