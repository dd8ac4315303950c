import { createEndpoint } from 'fastn-net'

const [relay = 'https://relay.example.com', origin = 'peers.example.com', server = '192.0.2.53:53'] =
  process.argv.slice(2)

await using endpoint = await createEndpoint({
  network: {
    relays: [relay],
    dns: { origin, server }, // where ID52s are looked up
    bind: ['127.0.0.1:0']
  }
})
console.log(endpoint.address())
