import { createEndpoint } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)

await using endpoint = await createEndpoint()
using _kept = endpoint.keep(ticket) // dials now, and again whenever the connection is lost

for await (const { state, lastError } of endpoint.watch()) {
  console.log(state, lastError?.code ?? '')
}
