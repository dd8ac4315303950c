// Web and Node streams end with the stream that they use, even while no call reads or writes them.
import type { Duplex } from 'node:stream'
import test from 'ava'
import { Graceful, type PeerStream } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { Echo, pair, readAll, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

/** Ends of unused web and Node streams: each resolves with the code of the error that ended them. */
const ends = {
  readable: (stream: PeerStream) => code(stream.readable.getReader().closed),
  writable: (stream: PeerStream) => code(stream.writable.getWriter().closed),
  duplex: async (stream: PeerStream) => {
    const socket = duplex(stream)
    await closing(socket)
    return (socket.errored as { code?: string } | null)?.code
  }
}

function closing(socket: Duplex): Promise<void> {
  return new Promise(resolve => void socket.once('close', resolve))
}

function code(ended: Promise<unknown>): Promise<string> {
  return ended.then(
    () => 'no error',
    error => error.code
  )
}

/** Ways in which a peer ends a stream while its connection stays. */
const leaves = {
  'resets and stops': (stream: PeerStream) => {
    stream.reset(1)
    stream.stop(1)
  },
  'finishes and stops': async (stream: PeerStream) => {
    await stream.finish()
    stream.stop()
  },
  'only resets': (stream: PeerStream) => stream.reset(1),
  'only resets, behind some bytes': async (stream: PeerStream) => {
    await stream.write('bytes')
    await turn()
    stream.reset(1)
  }
}

for (const name of ['readable', 'duplex'] as const) {
  test(`an unused ${name} fails when the peer resets the stream, and the other direction stays open until then`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const ended = ends[name](mine)
    await mine.write('still open\n')
    t.is(await theirs.nextString(), 'still open')
    theirs.reset(7)
    t.is(await prompt(ended, 'the end'), 'ERR_STREAM_RESET')
  })

  test(`an unused ${name} fails when the peer resets the stream after bytes`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const ended = ends[name](mine)
    await theirs.write('bytes')
    await turn()
    theirs.reset(7)
    t.is(await prompt(ended, 'the end'), 'ERR_STREAM_RESET')
  })

  test(`a shutdown does not wait for an unused ${name} that the peer reset`, async t => {
    const graceful = new Graceful({ timeout: 60_000 })
    await using peers = await pair({}, { graceful })
    peers.server.listen([[Echo, stream => void ends[name](stream)]])
    const stream = await peers.client.getStream(peers.server.address(), Echo)
    const shutdown = graceful.shutdown()
    await turn()
    stream.reset(1)
    t.true((await prompt(shutdown, 'the shutdown')).clean)
  })
}

test('a readable that is no longer read fails when the peer resets the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reader = mine.readable.getReader()
  for (const text of ['one', 'two']) {
    await theirs.write(text)
    t.is(Buffer.from((await reader.read()).value ?? []).toString(), text)
  }
  await theirs.write('unread')
  await turn()
  theirs.reset(7)
  t.is(await prompt(code(reader.closed), 'the end'), 'ERR_STREAM_RESET')
})

test('a duplex with unread data fails when the peer resets the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(mine, { readableHighWaterMark: 4 })
  const closed = closing(socket)
  const readable = new Promise(resolve => socket.once('readable', resolve))
  await theirs.write('more than four')
  await readable
  theirs.reset(7)
  await prompt(closed, 'the end')
  t.is((socket.errored as { code?: string } | null)?.code, 'ERR_STREAM_RESET')
})

test('web and Node streams return the bytes that arrived while they were unused, in order', async t => {
  await using peers = await pair()
  for (const use of [(stream: PeerStream) => stream.readable as never, duplex]) {
    const [mine, theirs] = await peers.stream()
    const lent: AsyncIterable<Uint8Array> = use(mine)
    await theirs.write('early ')
    await turn()
    await theirs.write('later ')
    await turn()
    const all = readAll(lent)
    await turn()
    await theirs.finish('last')
    t.is((await all).toString(), 'early later last')
  }
})

for (const [name, end] of Object.entries(ends)) {
  test(`an unused ${name} fails when the peer closes the connection`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const ended = end(mine)
    await turn()
    theirs.connection.close(5, 'bye')
    t.is(await prompt(ended, 'the end'), 'ERR_CONNECTION_LOST')
  })

  test(`an unused ${name} fails when this endpoint closes`, async t => {
    await using peers = await pair()
    const [mine] = await peers.stream()
    const ended = end(mine)
    await turn()
    await peers.client.close()
    t.is(await prompt(ended, 'the end'), 'ERR_CLOSED')
  })

  test(`an unused ${name} fails when its stream is disposed`, async t => {
    await using peers = await pair()
    const [mine] = await peers.stream()
    const ended = end(mine)
    await mine[Symbol.asyncDispose]()
    t.is(await prompt(ended, 'the end'), name === 'writable' ? 'ERR_STREAM_RESET' : 'ERR_STREAM_STOPPED')
  })

  test(`an unused ${name} fails when the handler that created it throws`, async t => {
    await using peers = await pair()
    const ended = new Promise<unknown>(resolve => {
      const handler = (stream: PeerStream) => {
        resolve(end(stream))
        throw new Error('of the handler')
      }
      void peers.server.listen([[Echo, handler]], { onError: () => {} })
    })
    await peers.client.getStream(peers.server.address(), Echo, { ack: 'later' })
    t.is(await prompt(ended, 'the end'), 'ERR_STREAM_RESET')
  })

  test(`an unused ${name} fails when the peer resets and stops the stream`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const ended = end(mine)
    await turn()
    theirs.reset(7)
    theirs.stop(8)
    t.is(await prompt(ended, 'the end'), name === 'writable' ? 'ERR_STREAM_STOPPED' : 'ERR_STREAM_RESET')
  })

  test(`an unused ${name} fails if it is created after the peer reset and stopped the stream`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    theirs.reset(7)
    theirs.stop(8)
    await t.throwsAsync(mine.closed, { code: 'ERR_STREAM_STOPPED' })
    t.is(await prompt(end(mine), 'the end'), name === 'writable' ? 'ERR_STREAM_STOPPED' : 'ERR_STREAM_RESET')
  })

  for (const [how, leave] of Object.entries(leaves)) {
    // A reset ends the receiving half only.
    if (how.startsWith('only') && name === 'writable') continue
    test(`listen does not wait for an unused ${name} when the peer ${how}`, async t => {
      await using peers = await pair()
      const listener = peers.server.listen([[Echo, stream => void end(stream)]])
      const stream = await peers.client.getStream(peers.server.address(), Echo)
      await turn()
      await leave(stream)
      await peers.client.ping(peers.server.address())
      await prompt(listener.close({ timeout: 60_000 }), 'listen')
      t.pass()
    })
  }

  test(`an unused ${name} fails if it is created after the connection ended`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const lost = mine.connection.closed
    theirs.connection.close()
    await lost
    t.is(await prompt(end(mine), 'the end'), 'ERR_CONNECTION_LOST')
  })

  test(`listen does not wait for an unused ${name} of a lost connection`, async t => {
    await using peers = await pair()
    const controller = new AbortController()
    const handler = (stream: PeerStream) => void end(stream)
    const listener = peers.server.listen([[Echo, handler]], { signal: controller.signal })
    const stream = await peers.client.getStream(peers.server.address(), Echo)
    await turn()
    controller.abort()
    stream.connection.close(5, 'bye')
    await prompt(listener.closed, 'listen')
    t.pass()
  })
}

test('a writable fails when the peer stops the stream, and the readable continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const ended = ends.writable(mine)
  const reader = mine.readable.getReader()
  theirs.stop(7)
  t.is(await prompt(ended, 'the end'), 'ERR_STREAM_STOPPED')
  await theirs.finish('answer')
  t.is(Buffer.from((await reader.read()).value ?? []).toString(), 'answer')
  t.true((await reader.read()).done)
})

test('a duplex whose sending half the peer stopped returns all received bytes, and then closes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(mine)
  theirs.stop(7)
  await t.throwsAsync(mine.closed, { code: 'ERR_STREAM_STOPPED' })
  const closed = closing(socket)
  const got: Buffer[] = []
  socket.on('data', chunk => got.push(chunk))
  await theirs.finish('answer')
  await prompt(closed, 'the end')
  t.is(Buffer.concat(got).toString(), 'answer')
  t.is((socket.errored as { code?: string } | null)?.code, 'ERR_STREAM_STOPPED')
})

test('listen does not wait for a writable that the peer stopped while the handler read', async t => {
  await using peers = await pair()
  const { client, server } = peers
  let kept: unknown
  const handler = async (stream: PeerStream) => {
    kept = stream.writable
    await readAll(stream)
  }
  const listener = server.listen([[Echo, handler]])
  const stream = await client.getStream(server.address(), Echo)
  await stream.finish('q')
  stream.stop()
  await client.ping(server.address())
  await prompt(listener.close({ timeout: 60_000 }), 'listen')
  t.truthy(kept)
})

test('a readable that was not read fails when the connection is lost after its writable closed', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const ended = ends.readable(mine)
  await mine.writable.close()
  await turn()
  theirs.connection.close(5, 'bye')
  t.is(await prompt(ended, 'the end'), 'ERR_CONNECTION_LOST')
})

test('received data stays readable in web and Node streams when the connection ends, and listen does not wait for it', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const lent: AsyncIterable<Uint8Array>[] = []
  const controller = new AbortController()
  const listener = server.listen(
    {
      Tcp: stream => void lent.push(stream.readable as never),
      Http: stream => void lent.push(duplex(stream)),
      // Reads before its connection ends, which leaves bytes in the web stream or in the PeerStream.
      Socks5: async stream => {
        const reader = stream.readable.getReader()
        await reader.read()
        reader.releaseLock()
        lent.push(stream.readable as never)
      }
    },
    { signal: controller.signal }
  )
  for (const protocol of ['Tcp', 'Http', 'Socks5'] as const) {
    const stream = await client.getStream(server.address(), protocol)
    await stream.write(new Uint8Array(200_000))
    await turn()
    await stream.finish('end')
    await stream.closed
  }
  controller.abort()
  await client.close()
  await prompt(listener.closed, 'listen')
  for (const stream of lent) t.is((await readAll(stream)).subarray(-3).toString(), 'end')
})

test('data before the end of a connection comes before the error', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const lost = theirs.connection.closed
  const reader = theirs.readable.getReader()
  const closed = closing(duplex((await peers.stream())[0]))
  await mine.write('before')
  // The answer arrives after the written data.
  await peers.client.ping(peers.server.address())
  mine.connection.close(5, 'bye')
  await lost
  await closed
  t.is(Buffer.from((await reader.read()).value ?? []).toString(), 'before')
  await t.throwsAsync(reader.read(), { code: 'ERR_CONNECTION_LOST' })
})
