// This library: `fetch` and `serveHttp` of an endpoint. Build it before: npm run build -- --release.
import { Readable } from 'node:stream'
import { getEndpoint, SecretKey } from '../../../dist/index.js'
import { answer, count, readable } from '../handler.mjs'

const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })

export async function serve() {
  endpoint.serveHttp(answer, { maxBodyBytes: Number.POSITIVE_INFINITY })
  return JSON.stringify(endpoint.address())
}

export function connect(address) {
  const peer = JSON.parse(address)
  return {
    get: async path => {
      const response = await endpoint.fetch(peer, path)
      return path === '/small' ? (await response.text()).length : count(response.body)
    },
    post: async (path, bytes) => {
      const body = Readable.toWeb(readable(bytes))
      return Number(await (await endpoint.fetch(peer, path, { method: 'POST', body, duplex: 'half' })).text())
    }
  }
}
