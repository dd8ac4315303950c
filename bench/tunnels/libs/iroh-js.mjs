// @number0/iroh: one stream per request, with a path line and then the body. Bytes are arrays of numbers.
import { Endpoint, EndpointTicket, presetMinimal, RelayMode } from '@number0/iroh'
import { chunks } from '../handler.mjs'

const alpn = [...Buffer.from('bench/1')],
  STEP = 65536
const bind = async alpns => {
  const b = Endpoint.builder()
  presetMinimal(b)
  b.relayMode(RelayMode.disabled())
  b.alpns(alpns)
  return b.bind()
}
const count = async recv => {
  let n = 0
  for (;;) {
    const d = await recv.read(STEP)
    if (!d?.length) return n
    n += d.length
  }
}
const send = async (s, bytes) => {
  for (const c of chunks(bytes)) await s.writeAll([...c])
}

async function handle({ send: s, recv }) {
  const head = await recv.read(STEP),
    end = head.indexOf(10),
    path = Buffer.from(head.slice(0, end)).toString()
  if (path === '/up') await s.writeAll([...Buffer.from(String(head.length - end - 1 + (await count(recv))))])
  else if (path.startsWith('/down/')) await send(s, +path.slice(6))
  else await s.writeAll([...Buffer.from('hello, world\n')])
  await s.finish()
}

let kept
export async function serve() {
  const ep = (kept = await bind([alpn]))
  ;(async () => {
    for (let incoming; (incoming = await ep.acceptNext()); ) {
      const c = await (await incoming.accept()).connect()
      ;(async () => {
        for (;;) handle(await c.acceptBi()).catch(() => {})
      })().catch(() => {})
    }
  })()
  return EndpointTicket.fromAddr(ep.addr()).toString()
}

export async function connect(ticket) {
  const ep = (kept = await bind([])),
    c = await ep.connect(EndpointTicket.fromString(ticket).endpointAddr(), alpn)
  const open = async path => {
    const s = await c.openBi()
    await s.send.writeAll([...Buffer.from(`${path}\n`)])
    return s
  }
  return {
    async get(path) {
      const s = await open(path)
      await s.send.finish()
      return count(s.recv)
    },
    async post(path, bytes) {
      const s = await open(path)
      await send(s.send, bytes)
      await s.send.finish()
      return Number(Buffer.from(await s.recv.readToEnd(99)).toString())
    }
  }
}
