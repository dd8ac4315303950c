// Exits cleanly on Ctrl-C, or hangs until the second one.
import { Graceful, getEndpoint, Protocol, SecretKey } from 'fastn-net'

const way = process.argv[2]
const graceful = new Graceful({ signals: true })
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
graceful.cancelled.addEventListener('abort', () => console.log('cancelled'))
if (way === 'hang') void graceful.spawn(() => new Promise(() => setInterval(() => {}, 1000)))
console.log(JSON.stringify(endpoint.address()))
const listener = endpoint.listen(
  [
    [
      Protocol.generic('Echo'),
      async stream => {
        for await (const line of stream.lines()) await stream.write(`${line}\n`)
      }
    ]
  ],
  { signal: graceful.cancelled }
)
await listener.closed
console.log('listened')
