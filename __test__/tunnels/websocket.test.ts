// WebSocket: the echo server and the client of `ws`.
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { WebSocket, WebSocketServer } from 'ws'
import { pattern } from '../helpers/pair.js'
import { tunnelled } from './support/tunnel.js'

for (const perMessageDeflate of [false, true]) {
  test(`a WebSocket echoes every kind of message${perMessageDeflate ? ', compressed' : ''}`, async t => {
    const socket = await connectToEcho(t, perMessageDeflate)
    // The sizes at which the form of a frame's length changes.
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]) {
      t.deepEqual(await echoOf(socket, pattern(size)), { isBinary: true, data: Buffer.from(pattern(size)) })
      t.deepEqual(await echoOf(socket, 'ä'.repeat(size)), { isBinary: false, data: Buffer.from('ä'.repeat(size)) })
    }
    // One message of three frames.
    const whole = once(socket, 'message')
    for (const part of ['one ', 'two ']) socket.send(part, { fin: false })
    socket.send('three')
    t.is(String((await whole)[0]), 'one two three')
    const pong = once(socket, 'pong')
    socket.ping('are you there?')
    t.is(String((await pong)[0]), 'are you there?')
    // The server repeats the code.
    const closed = once(socket, 'close')
    socket.close(4321, 'enough')
    const [code, reason] = await closed
    t.deepEqual([code, String(reason)], [4321, 'enough'])
  })
}

test('many messages pass both ways at once, in order', async t => {
  const socket = await connectToEcho(t, false)
  const count = 20_000
  const seen: string[] = []
  const all = new Promise<void>(resolve => {
    socket.on('message', data => {
      if (seen.push(String(data)) === count) resolve()
    })
  })
  const sent = Array.from({ length: count }, (_, at) => `${at}`.repeat(1 + (at % 20)))
  for (const message of sent) socket.send(message)
  await all
  t.deepEqual(seen, sent)
})

test('a WebSocket whose server is terminated ends without a close frame', async t => {
  const socket = await connectToEcho(t, false)
  const closed = once(socket, 'close')
  socket.on('error', () => {})
  socket.send('terminate')
  const [code] = await closed
  t.is(code, 1006)
})

async function connectToEcho(t: ExecutionContext, perMessageDeflate: boolean): Promise<WebSocket> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate })
  server.on('connection', client => {
    client.on('message', (data, isBinary) => {
      if (String(data) === 'terminate') client.terminate()
      else client.send(data, { binary: isBinary })
    })
  })
  await once(server, 'listening')
  const port = await tunnelled(t, (server.address() as { port: number }).port)
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate })
  t.teardown(() => {
    socket.terminate()
    server.close()
  })
  await once(socket, 'open')
  t.is(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '')
  return socket
}

async function echoOf(socket: WebSocket, message: string | Uint8Array): Promise<{ isBinary: boolean; data: Buffer }> {
  const answered = once(socket, 'message')
  socket.send(message)
  const [data, isBinary] = await answered
  return { isBinary, data: Buffer.from(data) }
}
