// node:http, no encryption, kept-alive connections (up to 64).
import http from 'node:http'
import { handle, listen, viaRequest } from '../handler.mjs'

export const serve = () => listen(http.createServer(handle))
export function connect(port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 64 })
  return viaRequest((o, cb) => http.request({ host: '127.0.0.1', port, agent, ...o }, cb))
}
