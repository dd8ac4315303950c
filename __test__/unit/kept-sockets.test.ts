// Connections of an http.Server that stops: which ones end at once, and which later.
import { once } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import test from 'ava'
import { beginRequest, giveBack, KeptSockets } from '../../dist/modules/node/kept-sockets.js'

function connection(kept: KeptSockets, isPromised = false): Duplex {
  const socket = new Duplex({ read() {}, write: (_, __, done) => done() })
  kept.add(socket, isPromised)
  return socket
}

function request(socket: Duplex): ServerResponse {
  const response = new ServerResponse(new IncomingMessage(socket as Socket))
  beginRequest(socket, response)
  return response
}

/** Emits what Node emits after the last byte of a response. */
const end = (response: ServerResponse) => response.emit('close')

test('idle connections end at once, others after their response', async t => {
  const kept = new KeptSockets()
  const [unused, idle, busy] = [connection(kept), connection(kept), connection(kept)]
  end(request(idle))
  const responses = [request(busy), request(busy)]
  t.is(kept.size, 3)
  kept.stop()
  await Promise.all([once(unused, 'close'), once(idle, 'close')])
  t.is(kept.size, 1)
  for (const response of responses) {
    t.false(response.shouldKeepAlive)
    t.false(busy.writableEnded)
    end(response)
  }
  await kept.closed()
  t.true(busy.writableFinished)
})

test('a connection with a promised request waits for it, also if it is added later', async t => {
  const kept = new KeptSockets()
  const early = connection(kept, true)
  kept.stop()
  const sockets = [early, connection(kept, true)]
  for (const socket of sockets) {
    t.false(socket.writableEnded)
    const response = request(socket)
    t.false(response.shouldKeepAlive)
    end(response)
  }
  await kept.closed()
  connection(kept)
  await kept.closed()
  t.is(kept.size, 0)
})

test('a connection that was taken over continues until it carries HTTP again', async t => {
  const kept = new KeptSockets()
  const [tunnel, declined] = [connection(kept), connection(kept)]
  for (const socket of [tunnel, declined]) beginRequest(socket, socket)
  kept.stop()
  giveBack(declined, true)
  for (const socket of [tunnel, declined]) t.false(socket.writableEnded)
  end(request(declined))
  await once(declined, 'close')
  giveBack(tunnel, false)
  await kept.closed()
  t.true(tunnel.writableFinished)
})

test('a connection is added once, and a reset destroys all', async t => {
  const kept = new KeptSockets()
  const socket = connection(kept)
  t.false(kept.add(socket, false))
  const failed = once(socket, 'error')
  kept.reset(new Error('over'))
  t.like((await failed)[0], { message: 'over' })
  await kept.closed()
  // A connection of another server.
  t.notThrows(() => beginRequest({}, undefined))
})
