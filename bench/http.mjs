// Compares `endpoint.fetch` and `serveHttp` with Node's own fetch to node:http over TCP. Two processes on loopback, alternating.
//
//     npm run build -- --release && node bench/http.mjs [--rounds 5] [--seq 1000] [--total 10000] [--flight 64] [--mib 64]
//
// Prints the medians and their ratio.
import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import { parseArgs } from 'node:util'
import { getEndpoint, SecretKey } from '../dist/index.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seq: { type: 'string', default: '1000' },
    total: { type: 'string', default: '10000' },
    flight: { type: 'string', default: '64' },
    mib: { type: 'string', default: '64' }
  }
})
const [rounds, seq, total, flight, mib] = ['rounds', 'seq', 'total', 'flight', 'mib'].map(name => Number(values[name]))

const answer = JSON.stringify({ hello: 'world', list: [1, 2, 3] })
const chunk = new Uint8Array(65_536)
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })

if (process.send !== undefined) await serve()
else await measure()

async function serve() {
  process.on('disconnect', () => process.exit())
  const web = createServer(async (request, response) => {
    if (request.url === '/up') for await (const _ of request);
    if (request.url !== '/down') return response.end(answer)
    for (let at = 0; at < mib * 16; at++)
      if (!response.write(chunk)) await new Promise(resolve => response.once('drain', resolve))
    response.end()
  })
  await new Promise(resolve => web.listen(0, '127.0.0.1', resolve))
  const handler = async request => {
    if (request.url.endsWith('/down')) return new Response(chunks())
    if (request.url.endsWith('/up')) for await (const _ of request.body);
    return new Response(answer)
  }
  endpoint.serveHttp(handler, { maxBodyBytes: Number.POSITIVE_INFINITY })
  process.send({ port: web.address().port, peer: endpoint.address() })
}

function chunks() {
  let left = mib * 16
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk)
      else controller.close()
    }
  })
}

async function measure() {
  const child = fork(process.argv[1], process.argv.slice(2))
  const { port, peer } = await new Promise(resolve => child.once('message', resolve))
  const ways = {
    tcp: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    peer: (path, init) => endpoint.fetch(peer, path, init)
  }
  const results = { tcp: [], peer: [] }
  for (let round = -1; round < rounds; round++) {
    const order = round % 2 === 0 ? ['tcp', 'peer'] : ['peer', 'tcp']
    for (const name of order) {
      const result = await run(ways[name])
      if (round < 0) continue
      results[name].push(result)
      const { p50, rps, down, up } = result
      const bulk = `${Math.round(down)} MiB/s down, ${Math.round(up)} up`
      console.log(`${round + 1} ${name.padEnd(4)} p50 ${p50.toFixed(3)} ms, ${Math.round(rps)} req/s, ${bulk}`)
    }
  }
  const ratio = of => (median(results.peer, of) / median(results.tcp, of)).toFixed(2)
  console.log(`peer / tcp: p50 ${ratio('p50')}, req/s ${ratio('rps')}, down ${ratio('down')}, up ${ratio('up')}`)
  child.disconnect()
  await endpoint.close()
  process.exit()
}

async function run(ask) {
  const get = async () => {
    const text = await (await ask('/')).text()
    if (text !== answer) throw new Error('another answer')
  }
  const times = []
  for (let at = -100; at < seq; at++) {
    const began = performance.now()
    await get()
    if (at >= 0) times.push(performance.now() - began)
  }
  let next = 0
  const lane = async () => {
    while (next++ < total) await get()
  }
  const took = await timed(() => Promise.all(Array.from({ length: flight }, lane)))
  const down = await timed(async () => {
    let bytes = 0
    for await (const piece of (await ask('/down')).body) bytes += piece.length
    if (bytes !== mib * 1024 * 1024) throw new Error('another length')
  })
  const up = await timed(async () => (await ask('/up', { method: 'POST', body: chunks(), duplex: 'half' })).text())
  return { p50: middle(times), rps: total / took, down: mib / down, up: mib / up }
}

async function timed(work) {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

function median(results, name) {
  return middle(results.map(result => result[name]))
}

function middle(numbers) {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]
}
