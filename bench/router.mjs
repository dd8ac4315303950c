// Compares the router with node:http alone and with HTTP tunnels, using wrk (Debian package `wrk`): requests per second over 32 connections.
//
//     npm run build -- --release && node bench/router.mjs [--rounds 5] [--seconds 2] [--connections 32]
//
// Four processes on loopback: a web server, the machine that serves it, a peer, and wrk. Prints each round, then the medians.
import { execFile, fork } from 'node:child_process'
import { createServer } from 'node:http'
import { parseArgs, promisify } from 'node:util'
import { createEndpoint } from '../dist/index.js'
import { createRouter } from '../dist/router.js'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    connections: { type: 'string', default: '32' }
  }
})

const roles = { web, near, far }
if (process.send === undefined) await measure()
else process.once('message', async ([role, ...given]) => process.send(await roles[role](...given)))

/** The web server behind all routes that end at one. */
async function web() {
  const server = createServer((_, response) => response.end('hello'))
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

/** The machine of the web server: a router, and the same server as an HTTP tunnel. */
async function near(backend) {
  const endpoint = await createEndpoint({ network: 'loopback' })
  await endpoint.exposeHttp(backend, { allow: 'public', service: 'tunnel' })
  const handler = () => new Response('hello')
  const hosts = { server: { backend, allow: 'public' }, handler: { handler, allow: 'public' } }
  const router = await createRouter({ endpoint, hosts })
  return { port: router.port, address: endpoint.address() }
}

/** Another machine: its router, and a bridge, both to the first. */
async function far(peer) {
  const endpoint = await createEndpoint({ network: 'loopback' })
  const bridge = await endpoint.bridgeHttp({ hosts: { tunnel: { peer, service: 'tunnel' } } })
  const services = ['server', 'handler', 'tunnel'].map(service => [service, { peer, service }])
  const router = await createRouter({ endpoint, hosts: Object.fromEntries(services) })
  return { port: router.port, bridge: bridge.port }
}

async function measure() {
  const children = []
  const start = (...message) => {
    const child = fork(process.argv[1])
    children.push(child)
    child.send(message)
    return new Promise(resolve => child.once('message', resolve))
  }
  const backend = await start('web')
  const here = await start('near', backend)
  const there = await start('far', here.address)
  const ways = {
    'node:http alone': [backend, 'server'],
    'router, handler': [here.port, 'handler'],
    'router, HTTP server': [here.port, 'server'],
    'bridgeHttp to exposeHttp': [there.bridge, 'tunnel'],
    'router to exposeHttp of a peer': [there.port, 'tunnel'],
    'router to the router of a peer, HTTP server': [there.port, 'server'],
    'router to the router of a peer, handler': [there.port, 'handler']
  }
  const rates = Object.fromEntries(Object.keys(ways).map(way => [way, []]))
  for (let round = 0; round <= Number(values.rounds); round++) {
    for (const [way, [port, host]] of Object.entries(ways)) {
      const rate = await load(port, `${host}.localhost`)
      if (round === 0) continue // V8 compiles
      rates[way].push(rate)
      console.log(`${round} ${way}: ${Math.round(rate)} requests/s`)
    }
  }
  console.log('\nMedians, lowest and highest:\n')
  for (const [way, all] of Object.entries(rates)) {
    const sorted = all.toSorted((a, b) => a - b).map(Math.round)
    console.log(`${way}: ${sorted[sorted.length >> 1]} (${sorted[0]} to ${sorted.at(-1)})`)
  }
  for (const child of children) child.kill()
}

async function load(port, host) {
  const size = ['-t1', `-c${values.connections}`, `-d${values.seconds}s`]
  const { stdout } = await promisify(execFile)('wrk', [...size, '-H', `Host: ${host}`, `http://127.0.0.1:${port}/`])
  if (/Non-2xx/.test(stdout)) throw new Error(stdout)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)[1])
}
