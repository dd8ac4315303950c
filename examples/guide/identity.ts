import { createEndpoint } from 'fastn-net'

const [keyFile = 'my.key'] = process.argv.slice(2)

await using endpoint = await createEndpoint({ key: keyFile }) // loads the key, or creates it
console.log(endpoint.id52) // the same at every start
