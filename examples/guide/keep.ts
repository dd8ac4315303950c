import { getEndpoint, SecretKey } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)

await using endpoint = await getEndpoint(SecretKey.generate())
using _kept = endpoint.keep(ticket) // dials now, and again whenever the connection is lost

for await (const { state, lastError } of endpoint.watch()) {
  console.log(state, lastError?.code ?? '')
}
