// undici's request() with a pool of 64, to a node:http server.
import { Pool } from 'undici'
import { count, readable, text } from '../handler.mjs'

export { serve } from './node-http.mjs'

export function connect(port) {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: 64 })
  return {
    get: async path => count((await pool.request({ path, method: 'GET' })).body),
    post: async (path, bytes) =>
      Number(await text((await pool.request({ path, method: 'POST', body: readable(bytes) })).body))
  }
}
