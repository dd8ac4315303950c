// Names whose address changes between two look-ups (DNS rebinding), through the proxies. The system's resolver asks a DNS server of this
// test.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ExecutionContext } from 'ava'
import { curlOptions, type Route } from './support/route.js'
import { scene } from './support/scene.js'
import { serving } from './support/tunnel.js'

const [allowed, forbidden] = ['127.0.0.2', '127.0.0.1']
const kinds = ['proxy', 'connect', 'socks5'] as const

/** Answers the first look-up of each name with the first address, and later ones with the second. */
async function changingNames(t: ExecutionContext, first: string, then: string): Promise<Map<string, number>> {
  const asked = new Map<string, number>()
  const server = createSocket('udp4').on('message', (question, from) => {
    const { name, type, end } = questionOf(question)
    // Programs of other tests look up other names.
    const isKnown = name.endsWith('.rebind.example')
    const isAddress = isKnown && type === 1
    const count = (asked.get(name) ?? 0) + (isAddress ? 1 : 0)
    asked.set(name, count)
    const answer = Buffer.from(question.subarray(0, end))
    answer.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2)
    answer.writeUInt16BE(isAddress ? 1 : 0, 6)
    answer.writeUInt32BE(0, 8)
    // With a lifetime of 0.
    const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, ...addressOf(count === 1 ? first : then)])
    server.send(isAddress ? Buffer.concat([answer, record]) : answer, from.port, from.address)
  })
  server.bind(53, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  return asked
}

function questionOf(question: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: question.readUInt16BE(at + 1), end: at + 5 }
}

function addressOf(text: string): number[] {
  return text.split('.').map(Number)
}

/** A web server on a port of both addresses, which reports the address by which it was reached. */
async function webServers(t: ExecutionContext): Promise<{ port: number; connections: string[] }> {
  const connections: string[] = []
  let port = 0
  for (const address of [allowed, forbidden]) {
    const web = createServer((_, response) => response.setHeader('connection', 'close').end(address))
    web.on('connection', () => connections.push(address))
    web.listen(port, address)
    await once(web, 'listening')
    port = (web.address() as { port: number }).port
    t.teardown(() => void web.close())
  }
  return { port, connections }
}

for (const [first, then, title] of [
  [allowed, forbidden, 'the address that was checked is connected, and no later one'],
  [forbidden, allowed, 'an address that is not allowed is not asked for again']
] as const) {
  scene(`a name that changes: ${title}`, ['curl'], async ({ t, run }) => {
    const { port, connections } = await webServers(t)
    const asked = await changingNames(t, first, then)
    const ticket = await serving(t, ['proxy-remote', '--target', `${allowed}:${port}`, '--public'])
    for (const kind of kinds) {
      const address = await serving(t, [kind === 'socks5' ? 'socks5' : 'proxy', ticket])
      const host = `${kind}.rebind.example`
      const route: Route = { kind, host, port, proxy: Number(address.slice(address.lastIndexOf(':') + 1)) }
      const { code, stdout } = await run('curl', [
        ...['--silent', '--fail', '--max-time', '30', ...curlOptions(route)],
        `http://${host}:${port}/`
      ])
      if (first === allowed) t.deepEqual([code, String(stdout)], [0, allowed], kind)
      else t.not(code, 0, kind)
      t.is(asked.get(host), 1, kind)
    }
    t.deepEqual(connections, first === allowed ? kinds.map(() => allowed) : [])
  })
}
