import { once } from 'node:events'
import http from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import test from 'ava'
import { FastnNetError } from 'fastn-net'
import { duplex, PeerDuplex } from 'fastn-net/node'
import { pair, pattern, readAll, turn } from '../helpers/pair.js'

// `text` and loops destroy a Duplex at EOF. This leaves the other direction open.
async function whole(readable: Readable): Promise<string> {
  let all = ''
  readable.setEncoding('utf8').on('data', (piece: string) => {
    all += piece
  })
  await once(readable, 'end')
  return all
}

test('http sends several requests over one stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const server = http.createServer(async (request, response) => {
    response.end(`${request.method} ${request.url} ${await text(request)}`)
  })
  server.emit('connection', duplex(theirs))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => duplex(mine)
  for (const body of ['one', 'two'.repeat(100_000)]) {
    const request = http.request({ agent, method: 'POST', path: '/p?q', host: 'peer' })
    request.end(body)
    const [response] = await once(request, 'response')
    t.is(await text(response), `POST /p?q ${body}`)
  }
  agent.destroy()
  server.close()
})

test('end() closes one direction, and the other continues', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const [a, b] = [duplex(mine), duplex(theirs)]
  a.end('question')
  t.is(await whole(b), 'question')
  t.false(b.writableEnded)
  b.end('answer')
  t.is(await whole(a), 'answer')
})

test('bulk data through pipeline arrives complete', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const bytes = pattern(5_000_000)
  const [received] = await Promise.all([readAll(duplex(theirs)), pipeline([Buffer.from(bytes)], duplex(mine))])
  t.true(received.equals(bytes))
})

test('destroy before the end resets the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(mine)
  socket.write('half')
  socket.destroy()
  await t.throwsAsync(readAll(theirs), { code: 'ERR_STREAM_RESET' })
})

/** Ways to destroy a Duplex, and the code that the peer then gets. */
const destroys: Record<string, [(socket: Duplex, controller: AbortController) => unknown, number]> = {
  'without an error': [socket => socket.destroy(), 0],
  'with an error': [socket => socket.destroy(new Error('of the program')), 0x102],
  'with the error of another stream': [
    socket => socket.destroy(new FastnNetError('ERR_CONNECTION_LOST', 'of another stream')),
    0x102
  ],
  'by its signal': [(_, controller) => controller.abort(), 0x101]
}

for (const [how, [destroy, expected]] of Object.entries(destroys))
  test(`the peer gets code ${expected} from a duplex that is destroyed ${how}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const controller = new AbortController()
    destroy(duplex(theirs, { signal: controller.signal }), controller)
    const read = await t.throwsAsync<FastnNetError>(mine.read(), { code: 'ERR_STREAM_RESET' })
    const sent = await t.throwsAsync<FastnNetError>(mine.closed, { code: 'ERR_STREAM_STOPPED' })
    t.deepEqual([read!.errorCode, sent!.errorCode], [expected, expected])
  })

test('the peer gets code 0 from a duplex that it reset itself', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  duplex(theirs).resume()
  mine.reset(9)
  const read = await t.throwsAsync<FastnNetError>(mine.read(), { code: 'ERR_STREAM_RESET' })
  t.is(read!.errorCode, 0)
})

test('a failure without an error listener closes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(theirs)
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.resume()
  mine.reset(9)
  await closed
  t.is((socket.errored as { code?: string } | null)?.code, 'ERR_STREAM_RESET')
})

test('a failure with an error listener emits error', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(theirs)
  const failed = new Promise(resolve => socket.once('error', resolve))
  socket.resume()
  mine.reset(9)
  t.is(((await failed) as { code: string }).code, 'ERR_STREAM_RESET')
})

test.serial('exceptions of listeners and callbacks are uncaught, and the Duplex works on', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const uncaught: string[] = []
  process.setUncaughtExceptionCaptureCallback(error => uncaught.push(error.message))
  t.teardown(() => process.setUncaughtExceptionCaptureCallback(null))
  const [a, b] = [duplex(mine), duplex(theirs)]
  const errors: Error[] = []
  for (const each of [a, b]) each.on('error', error => errors.push(error))
  for (const text of ['one', 'two']) {
    const received = new Promise<void>(resolve => {
      b.once('data', (data: Buffer) => {
        resolve()
        throw new Error(`received ${data}`)
      })
    })
    const written = new Promise<void>(resolve => {
      a.write(text, () => {
        resolve()
        throw new Error(`written ${text}`)
      })
    })
    await Promise.all([received, written])
  }
  a.end()
  await once(b, 'end')
  t.deepEqual(uncaught.sort(), ['received one', 'received two', 'written one', 'written two'])
  t.deepEqual(errors, [])
})

test('a Duplex has the members that users of sockets call', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const socket = duplex(mine)
  t.is(socket.setNoDelay().setKeepAlive().unref().ref(), socket)
  t.is(socket.remoteAddress, peers.server.id52)
  socket.setTimeout(5)
  await once(socket, 'timeout')
  t.false(socket.destroyed)
  // node:http sets a listener for each request, and removes it again.
  const onTimeout = () => t.fail('timed out')
  for (const ms of [1000, 0]) socket.setTimeout(ms, onTimeout)
  t.is(socket.listenerCount('timeout'), 0)
  await turn()
})

test('invalid options and timeouts of a Duplex are rejected', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const fails = (call: () => unknown, message: RegExp) => t.throws(call, { code: 'ERR_INVALID_ARGUMENT', message })
  for (const name of ['readableHighWaterMark', 'writableHighWaterMark'])
    for (const wrong of [-1, 1.5, Number.NaN, '5', null])
      fails(() => duplex(mine, { [name]: wrong } as never), RegExp(`^options\\.${name} must be`))
  for (const wrong of [null, 5, {}, 'now'])
    fails(() => duplex(mine, { signal: wrong } as never), /^options\.signal must be/)
  const socket = duplex(mine, { readableHighWaterMark: 0, writableHighWaterMark: 1, signal: undefined })
  for (const wrong of [-1, Number.NaN, '5', null, undefined])
    fails(() => socket.setTimeout(wrong as never), /^ms must be/)
  fails(() => socket.setTimeout(5, 'later' as never), /^onTimeout must be/)
  t.is(socket.timeout, 0)
  // A timeout that no timer can hold means none, not 1 ms.
  socket.setTimeout(Number.POSITIVE_INFINITY, () => t.fail('timed out'))
  socket.setTimeout(2 ** 40)
  await turn()
  socket.removeAllListeners('timeout')
  await new Promise<void>(resolve => socket.setTimeout(1, resolve))
  socket.destroy()
})

test('a stream has one Duplex, whose options are those of the first call', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(mine, { readableHighWaterMark: 4 })
  t.is(duplex(mine), socket)
  const message = /already has a Duplex/
  t.throws(() => duplex(mine, {}), { code: 'ERR_INVALID_ARGUMENT', message })
  t.throws(() => new PeerDuplex(mine), { code: 'ERR_INVALID_ARGUMENT', message })
  // The bytes keep their order, because one Duplex both reads and writes them.
  void pipeline(duplex(theirs), duplex(theirs))
  socket.write('one ')
  duplex(mine).end('two')
  t.is(await whole(socket), 'one two')
})

test('without allowHalfOpen, the end of one half ends the other', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const socket = duplex(theirs, { allowHalfOpen: false }).resume()
  const closed = once(socket, 'close')
  const caller = duplex(mine)
  caller.end('question')
  t.is(await whole(caller), '')
  await closed
  t.true(socket.writableFinished)
})

test('a read beside a Duplex fails and says that the Duplex reads the stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  duplex(mine).resume()
  const failing = mine.text()
  await theirs.finish('hello')
  await t.throwsAsync(failing, { message: /a Duplex reads this stream/ })
})
