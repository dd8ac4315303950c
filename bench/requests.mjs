// Compares `endpoint.call` with the same exchange of JSON lines over plain streams. Two processes on loopback, alternating.
//
//     npm run build -- --release && node bench/requests.mjs [--rounds 5] [--seq 1000] [--total 10000] [--flight 64]
//
// Prints each round and the ratio of the medians.
import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { getEndpoint, SecretKey } from '../dist/index.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seq: { type: 'string', default: '1000' },
    total: { type: 'string', default: '10000' },
    flight: { type: 'string', default: '64' }
  }
})
const [rounds, seq, total, flight] = ['rounds', 'seq', 'total', 'flight'].map(name => Number(values[name]))

const message = { id: 7, text: 'x'.repeat(96) }
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })

if (process.send !== undefined) await serve()
else await measure()

async function serve() {
  process.on('disconnect', () => process.exit())
  process.send(endpoint.address())
  await Promise.all([
    endpoint.listen({
      async plain(stream) {
        const input = await stream.nextJson()
        await stream.finish(`${JSON.stringify(input)}\n`)
      }
    }),
    endpoint.serve('call', input => input)
  ])
}

async function measure() {
  const child = fork(process.argv[1])
  const peer = await new Promise(resolve => child.once('message', resolve))
  const exchanges = {
    async plain() {
      const stream = await endpoint.getStream(peer, 'plain', { ack: 'later' })
      await stream.finish(`${JSON.stringify(message)}\n`)
      const answer = await stream.nextJson()
      stream.stop()
      return answer
    },
    call: () => endpoint.call(peer, 'call', message)
  }
  const results = { plain: [], call: [] }
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? ['plain', 'call'] : ['call', 'plain']
    for (const name of order) {
      const result = await run(exchanges[name])
      if (round < 0) continue
      results[name].push(result)
      console.log(`${round + 1} ${name.padEnd(5)} p50 ${result.p50.toFixed(3)} ms, ${Math.round(result.rps)} req/s`)
    }
  }
  const ratio = name => median(results.call, name) / median(results.plain, name)
  console.log(`call / plain: p50 ${ratio('p50').toFixed(2)}, req/s with ${flight} in flight ${ratio('rps').toFixed(2)}`)
  child.disconnect()
  await endpoint.close()
}

async function run(exchange) {
  const times = []
  for (let at = -200; at < seq; at++) {
    const began = performance.now()
    const { id } = await exchange()
    if (id !== message.id) throw new Error('another answer')
    if (at >= 0) times.push(performance.now() - began)
  }
  const began = performance.now()
  let next = 0
  const lane = async () => {
    while (next++ < total) await exchange()
  }
  await Promise.all(Array.from({ length: flight }, lane))
  return { p50: middle(times), rps: (total / (performance.now() - began)) * 1000 }
}

function median(results, name) {
  return middle(results.map(result => result[name]))
}

function middle(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}
