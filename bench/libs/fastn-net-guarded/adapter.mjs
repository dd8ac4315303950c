// fastn-net with authorize callbacks for each peer and each stream. Measures the cost of authorization.
import { connect, info as plain, serverWith } from '../fastn-net/adapter.mjs'

// No modules: its import time is that of fastn-net.
export const info = { ...plain, title: 'fastn-net, authorize', modules: [] }
export const startServer = serverWith({ authorize: { peer: async () => true, stream: async () => true } })
export { connect }
