// Node's own fetch() to a node:http server: the baseline for fetch() over P2P.
import { Readable } from 'node:stream'
import { count, readable } from '../handler.mjs'

export { serve } from './node-http.mjs'

export function connect(port) {
  const url = `http://127.0.0.1:${port}`
  return {
    get: async path =>
      path === '/small' ? (await (await fetch(url + path)).text()).length : count((await fetch(url + path)).body),
    post: async (path, bytes) =>
      Number(
        await (
          await fetch(url + path, { method: 'POST', body: Readable.toWeb(readable(bytes)), duplex: 'half' })
        ).text()
      )
  }
}
