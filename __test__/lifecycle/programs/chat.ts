// Listens, and reads lines from stdin, until a signal ends it.
import { createInterface } from 'node:readline'
import { createEndpoint, Graceful, type GracefulOptions } from 'fastn-net'

const [way, timeout = '5000'] = process.argv.slice(2)
const onReport: GracefulOptions['onReport'] = async ({ clean }) => {
  await new Promise(resolve => setTimeout(resolve, 50))
  console.log(clean ? 'clean' : 'unclean')
}
const graceful = new Graceful({
  signals: true,
  timeout: Number(timeout),
  exit: way !== 'signal',
  onReport: way === 'silent' ? undefined : onReport
})
const endpoint = await createEndpoint({ network: 'loopback', graceful })
graceful.cancelled.addEventListener('abort', () => console.log('cancelled'))
if (way === 'stuck' || way === 'silent') void graceful.spawn(() => new Promise(() => {}), { name: 'stuck work' })
const listener = endpoint.listen({
  async Chat(stream) {
    for await (const line of stream.lines()) console.log(line)
  }
})
await listener.ready
console.log(JSON.stringify(endpoint.address()))
const lines = createInterface({ input: process.stdin, signal: way === 'signal' ? graceful.cancelled : undefined })
for await (const line of lines) console.log(line)
console.log('end of stdin')
