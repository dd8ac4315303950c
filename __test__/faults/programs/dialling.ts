// A peer that dials at a given time, with a new key each round.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Endpoint, getEndpoint, type Listener, SecretKey } from 'fastn-net'
import type { DiallingCommands } from '../support/commands.js'
import { drive } from './drive.js'
import { requestNumbered } from './load.js'
import { serve } from './serving.js'

let endpoint: Endpoint
let listener: Listener

const close = async () => {
  await endpoint.close()
  await listener.closed
}

await drive<DiallingCommands>('ready', {
  async open({ secretKey, bind, ledger }) {
    endpoint = await getEndpoint(SecretKey.from(secretKey), { network: { bind: [bind] } })
    listener = serve(endpoint, ledger, new AbortController().signal)
    return null
  },
  async dial({ peer, at, number }) {
    await sleep(Math.max(0, at - Date.now() - 5))
    // A timer is too coarse for simultaneous dials.
    while (Date.now() < at);
    return requestNumbered(endpoint, peer, number)
  },
  async dialled({ peer }) {
    await using view = await endpoint.connect(peer)
    return view.dialled
  },
  async close() {
    await close()
    return null
  }
})
