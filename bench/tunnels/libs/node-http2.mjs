// node:http2 over TLS, one session.
import http2 from 'node:http2'
import { certificate, count, handle, listen, readable, text } from '../handler.mjs'

export const serve = async () =>
  listen(http2.createSecureServer({ ...(await certificate()), settings: { initialWindowSize: 1 << 20 } }, handle))
export function connect(port) {
  const session = http2.connect(`https://127.0.0.1:${port}`, {
    rejectUnauthorized: false,
    settings: { initialWindowSize: 1 << 20 }
  })
  session.once('connect', () => session.setLocalWindowSize(8 << 20))
  return {
    get: path => count(session.request({ ':path': path })),
    post: (path, bytes) => {
      const s = session.request({ ':path': path, ':method': 'POST' })
      readable(bytes).pipe(s)
      return text(s).then(Number)
    }
  }
}
