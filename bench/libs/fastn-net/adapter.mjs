// fastn-net's public API: header and acknowledgement on every stream, the listener's queue, PeerStream.
// The server uses acceptBi, openStream uses getStream with ack: 'later'. Bulk reads into one buffer.
import { getEndpoint, SecretKey } from 'fastn-net'

export const info = { title: 'fastn-net', encrypted: true, multiplexed: true, modules: ['fastn-net'] }

const protocol = 'AccountToAccount'
const BULK = 256 * 1024

const stream = (s, mode) => {
  const into = mode === 'bulk' ? new Uint8Array(BULK) : null
  return {
    write: bytes => s.write(bytes),
    finish: () => s.finish(),
    read: into
      ? async () => {
          const count = await s.read({ into })
          return count === null ? null : into.subarray(0, count)
        }
      : () => s.read()
  }
}

export const startServer = serverWith({})

/** Creates a startServer with additional endpoint options. */
export function serverWith(options) {
  return async (onStream, { mode }) => {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', ...options })
    ;(async () => {
      for await (const s of endpoint.acceptBi([protocol])) onStream(stream(s, mode))
    })()
    return { address: endpoint.address() }
  }
}

// The harness expects a new connection per connect(), but a pair of endpoints shares one. So a client that measures
// connections closes the previous one, and a client that holds many uses one endpoint per connection.
const endpoints = []
const fresh = () => getEndpoint(SecretKey.generate(), { network: 'loopback' })

export async function connect(address, { mode }) {
  if (mode === 'hold' || endpoints.length === 0) endpoints.push(await fresh())
  const endpoint = endpoints.at(-1)
  const connection = await endpoint.connect(address)
  return {
    openStream: async () => stream(await endpoint.getStream(address, protocol, { ack: 'later' }), mode),
    close: async () => connection.close(0, '')
  }
}
