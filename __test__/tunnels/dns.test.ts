// dig and a DNS server, over UDP and TCP. The tunnel of UDP is the library's.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createEndpoint } from 'fastn-net'
import { keepAlive } from '../helpers/pair.js'
import { scene } from './support/scene.js'
import { alike, tunnelled } from './support/tunnel.js'

scene('dig over UDP', ['dig'], async ({ t, run }) => {
  const server = createSocket('udp4').on('message', (question, from) => {
    server.send(answer(question), from.port, from.address)
  })
  server.bind(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const alive = keepAlive()
  const [far, near] = await Promise.all([
    createEndpoint({ network: 'loopback' }),
    createEndpoint({ network: 'loopback' })
  ])
  t.teardown(async () => {
    await Promise.all([near.close({ timeout: 100 }), far.close({ timeout: 100 })])
    alive[Symbol.dispose]()
  })
  const direct = server.address().port
  await far.exposeUdp(`127.0.0.1:${direct}`, { allow: [near.id52] })
  const bridge = await near.bridgeUdp({ peer: await far.ticket() })
  const ports = { direct, tunnel: bridge.port ?? 0 }
  for (const name of ['1.example', '100.example', '1200.example', '4000.example', 'none.example']) {
    const { code, lines } = await alike(t, ports, port => dig(run, port, [name]))
    t.is(code, 0)
    t.is(lines.includes('NXDOMAIN'), name === 'none.example')
  }
  const many = Array.from({ length: 50 }, (_, at) => `${at + 1}.example`)
  const found = await Promise.all(many.map(name => dig(run, ports.tunnel, [name])))
  t.deepEqual(
    found.map(({ lines }) => /"(x+)"/.exec(lines)?.[1]?.length),
    many.map((_, at) => at + 1)
  )
})

scene('dig over TCP', ['dig'], async ({ t, run }) => {
  const server = createServer(socket => {
    let received = Buffer.alloc(0)
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const answered = answer(received.subarray(2))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answered.length)
      socket.write(Buffer.concat([length, answered]))
      received = Buffer.alloc(0)
    })
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => void server.close())
  const direct = (server.address() as { port: number }).port
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  for (const name of ['1.example', '60000.example', 'none.example']) {
    t.is((await alike(t, ports, port => dig(run, port, ['+tcp', name]))).code, 0)
  }
})

async function dig(
  run: (name: 'dig', args: readonly string[]) => Promise<{ code: number | null; stdout: Buffer }>,
  port: number,
  args: readonly string[]
) {
  const options = ['-p', String(port), '+tries=2', '+time=5', '+nocmd', '+nostats', '+bufsize=4096', 'TXT']
  const { code, stdout } = await run('dig', ['@127.0.0.1', ...options, ...args])
  // Each question has its own identifier.
  return { code, lines: stdout.toString().replace(/id: \d+/, '') }
}

/** Answers `N.example` with N letters, and another name with NXDOMAIN. */
function answer(question: Buffer): Buffer {
  const first = question.toString('latin1', 13, 13 + question[12]!)
  let end = 12
  while (question[end] !== 0) end += 1 + question[end]!
  const asked = question.subarray(12, end + 5)
  const header = Buffer.from(question.subarray(0, 12))
  const count = Number(first)
  header.writeUInt16BE(0x8180 | (Number.isNaN(count) ? 3 : 0), 2)
  header.writeUInt16BE(Number.isNaN(count) ? 0 : 1, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, asked, ...(Number.isNaN(count) ? [] : [record(count)])])
}

/** A TXT record with strings of at most 255 bytes, whose name points to the question. */
function record(count: number): Buffer {
  const strings: Buffer[] = []
  for (let left = count; left > 0; left -= 255) {
    const length = Math.min(left, 255)
    strings.push(Buffer.from([length]), Buffer.alloc(length, 'x'))
  }
  const data = Buffer.concat(strings)
  const fields = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0])
  fields.writeUInt16BE(data.length, 10)
  return Buffer.concat([fields, data])
}
