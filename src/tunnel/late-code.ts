// The part of tunnels that an endpoint needs after its creation.

export { bridge, expose } from './expose-bridge.js'
export { bridgeHttp, exposeHttp } from './http.js'
export { exposeProxy, listenAsProxy } from './proxy.js'
