// node:https, kept-alive TLS connections (up to 64).
import https from 'node:https'
import { certificate, handle, listen, viaRequest } from '../handler.mjs'

export const serve = async () => listen(https.createServer(await certificate(), handle))
export function connect(port) {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 64, rejectUnauthorized: false })
  return viaRequest((o, cb) => https.request({ host: '127.0.0.1', port, agent, ...o }, cb))
}
