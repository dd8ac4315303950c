// A peer: serves, sends requests, and obeys commands on stdin. See support/commands.
import { Graceful, getEndpoint, SecretKey } from 'fastn-net'
import type { PeerCommands, PeerOptions } from '../support/commands.js'
import { drive } from './drive.js'
import { RunningLoad, requestOnce } from './load.js'
import { serve } from './serving.js'
import { usage } from './usage.js'

const { name, secretKey, bind, ledger, endpoint: more } = JSON.parse(process.argv[2]!) as PeerOptions
const graceful = new Graceful()
const endpoint = await getEndpoint(SecretKey.from(secretKey), { ...more, network: { bind: [bind] }, graceful })
const listener = serve(endpoint, ledger, graceful.cancelled)
const loads = new Map<string, RunningLoad>()
let begun = 0

await drive<PeerCommands>(endpoint.id52, {
  load: load => {
    loads.set(load.name, new RunningLoad(endpoint, load, `${name}/${++begun}`, graceful.cancelled))
    return null
  },
  progress: ({ name }) => loads.get(name)!.progress(),
  collect: ({ name }) => loads.get(name)!.collect(),
  once: once => requestOnce(endpoint, once, `${name}/${++begun}`),
  usage: ({ peers }) => usage(endpoint, peers),
  ping: ({ peer }) => endpoint.ping(peer),
  async shutdown({ timeout }) {
    const began = performance.now()
    const { unfinished } = await graceful.shutdown({ timeout })
    return { took: performance.now() - began, unfinished }
  }
})

// No command ends this process: it must exit once everything is closed.
await graceful.shutdown()
await listener.closed
