// What an endpoint needs of tunnels once it exists.
export { bridgeHttp, exposeHttp } from './http.js'
export { bridge, expose } from './open.js'
export { exposeProxy, listenAsProxy } from './proxy.js'
