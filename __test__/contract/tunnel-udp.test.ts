// UDP tunnels.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import test from 'ava'
import { pair } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

/** A bound UDP socket, which ends with its test. */
async function udpSocket(onMessage?: (socket: Socket, message: Buffer, port: number) => void): Promise<Socket> {
  const socket = createSocket('udp4')
  if (onMessage !== undefined) socket.on('message', (message, { port }) => onMessage(socket, message, port))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

test('datagrams of each client pass both ways', async t => {
  await using peers = await pair()
  const service = await udpSocket((socket, message, port) => socket.send(`re: ${message}`, port, '127.0.0.1'))
  await using exposed = await peers.server.exposeUdp(service.address().port, { allow: [peers.client.id52] })
  await using bridge = await peers.client.bridgeUdp({ peer: peers.server.address() })
  t.is(bridge.address, `127.0.0.1:${bridge.port}`)
  const clients = [await udpSocket(), await udpSocket()]
  for (const [index, client] of clients.entries()) {
    client.send(`question ${index}`, bridge.port ?? 0, '127.0.0.1')
    const [answer] = await prompt(once(client, 'message'), 'answer')
    t.is(String(answer), `re: question ${index}`)
  }
  t.deepEqual([bridge.connections, exposed.connections], [2, 2])
  await prompt(bridge.close({ timeout: 0 }), 'close')
  await prompt(exposed.close(), 'close')
  for (const socket of [service, ...clients]) socket.close()
})

test('an idle flow ends', async t => {
  await using peers = await pair()
  const service = await udpSocket()
  await using exposed = await peers.server.exposeUdp(service.address().port, { allow: 'public', service: 'syslog' })
  const peer = peers.server.address()
  await using bridge = await peers.client.bridgeUdp({ peer, service: 'syslog', flowTimeout: 50 })
  const client = await udpSocket()
  client.send('hello', bridge.port ?? 0, '127.0.0.1')
  await prompt(once(service, 'message'), 'datagram')
  while (bridge.connections + exposed.connections > 0) await new Promise(resolve => setTimeout(resolve, 10))
  t.pass()
  for (const socket of [service, client]) socket.close()
})

test('UDP tunnels reject Unix sockets and options of TCP', async t => {
  await using peers = await pair()
  const invalid = { code: 'ERR_INVALID_ARGUMENT' }
  await t.throwsAsync(peers.server.exposeUdp('unix:service.sock', { allow: 'public' }), invalid)
  await t.throwsAsync(peers.server.exposeUdp(53, { allow: 'public', connectTimeout: 1 } as never), invalid)
  await t.throwsAsync(peers.client.bridgeUdp({ peer: peers.server.address(), path: 'service.sock' } as never), invalid)
  await t.throwsAsync(peers.server.exposeTcp(53, { allow: 'public', flowTimeout: 1 } as never), invalid)
})
