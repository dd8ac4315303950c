// As fastn-net, with a function that is asked about each peer and about each stream: what authorisation costs.
import { connect, info as plain, serverWith } from '../fastn-net/adapter.mjs'

// An import of it is fastn-net's.
export const info = { ...plain, title: 'fastn-net, authorize', modules: [] }
export const startServer = serverWith({ authorize: { peer: async () => true, stream: async () => true } })
export { connect }
