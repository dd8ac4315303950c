// @number0/iroh: the official binding. Bytes are Array<number>.
import { createRequire } from 'node:module'

const { Endpoint, EndpointAddr, EndpointId, RelayMode, presetMinimal } = createRequire(import.meta.url)('@number0/iroh')

export const info = {
  title: '@number0/iroh',
  encrypted: true,
  multiplexed: true,
  modules: ['@number0/iroh'],
  bulkMiB: 64
}

const ALPN = Array.from(Buffer.from('bench/1'))
// read(limit) allocates `limit` bytes per call. A large limit is best for bulk, but halves the rate of small requests.
const limit = mode => (mode === 'bulk' ? 1 << 20 : 16 << 10)

async function bind(alpns) {
  const b = Endpoint.builder()
  presetMinimal(b)
  b.relayMode(RelayMode.disabled())
  b.bindAddr('127.0.0.1:0')
  if (alpns) b.alpns(alpns)
  return b.bind()
}

// A plain loop is the fastest way to fill the array (3-4 times Array.from).
function toArray(buf) {
  const n = buf.length,
    a = new Array(n)
  for (let i = 0; i < n; i++) a[i] = buf[i]
  return a
}

const stream = (bi, max) => {
  const { send, recv } = bi
  return {
    write: buf => send.writeAll(toArray(buf)),
    finish: () => send.finish(),
    read: async () => {
      const a = await recv.read(max)
      return a.length ? Uint8Array.from(a) : null
    }
  }
}

export async function startServer(onStream, { mode }) {
  const ep = await bind([ALPN])
  const serve = async incoming => {
    const conn = await (await incoming.accept()).connect()
    conn.setMaxConcurrentBiStreams(4096n)
    for (;;) onStream(stream(await conn.acceptBi(), limit(mode)))
  }
  ;(async () => {
    for (let i; (i = await ep.acceptNext()); ) serve(i).catch(() => {})
  })()
  return { address: { id: ep.id().toString(), at: ep.boundSockets().filter(a => a.startsWith('127.')) } }
}

// Each held connection comes from its own peer, as with fastn-net. iroh's per-peer state would otherwise be shared.
const endpoints = []
export async function connect({ id, at }, { mode }) {
  if (mode === 'hold' || endpoints.length === 0) endpoints.push(await bind())
  const conn = await endpoints.at(-1).connect(new EndpointAddr(EndpointId.fromString(id), undefined, at), ALPN)
  return {
    openStream: async () => stream(await conn.openBi(), limit(mode)),
    close: async () => {
      conn.close(0n, [])
    }
  }
}
