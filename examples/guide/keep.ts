import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)

await using endpoint = await createEndpoint()
using _kept = endpoint.keep(ticket) // dials now, and again whenever the connection is lost

for (;;) {
  await sleep(500) // keep does not keep the process alive; the timer does
  for (const { state, lastError } of endpoint.peers()) console.log(state, lastError?.code ?? '')
}
