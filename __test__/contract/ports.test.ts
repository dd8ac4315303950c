import test from 'ava'
import { type Endpoint, getEndpoint, type IncomingStreams, type PeerStream, SecretKey } from 'fastn-net'
import { freePort } from '../helpers/free-port.js'
import { Echo } from '../helpers/pair.js'

/** Both ends of a stream. */
async function opened(from: Endpoint, to: Endpoint, streams: IncomingStreams): Promise<[PeerStream, PeerStream]> {
  const [mine, { value }] = await Promise.all([from.getStream(to.address(), Echo), streams.next()])
  if (value === undefined) throw new Error('no stream comes any more')
  return [mine, value]
}

test('a closed endpoint frees its port, a hundred times in a row, whatever objects are held', async t => {
  const network = { bind: [`127.0.0.1:${await freePort()}`] }
  const other = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  t.teardown(() => other.close())
  const theirs = other.acceptBi(Echo)
  const kept: PeerStream[] = []
  // Referenced, because a garbage-collected loop no longer serves.
  const loops: IncomingStreams[] = []
  for (let count = 0; count < 100; count++) {
    const endpoint = await getEndpoint(SecretKey.generate(), { network, closeTimeout: 100 })
    // Never taken, never read: both outlive their endpoint.
    loops.push(endpoint.acceptBi(Echo))
    const [mine, there] = await opened(endpoint, other, theirs)
    const connection = await endpoint.connect(other.address())
    kept.push(mine, there, await other.getStream(endpoint.address(), Echo))
    await there.write('hello\n')
    if (count % 10 === 0) t.is(await mine.nextString(), 'hello')
    const { closed } = connection
    await endpoint.close()
    t.like(await closed, { code: 0x103, by: 'local' })
    await t.throwsAsync(mine.write('x'), { code: 'ERR_CLOSED' })
  }
})

test('data that arrived before the close stays readable, followed by the error', async t => {
  const [endpoint, other] = await Promise.all([
    getEndpoint(SecretKey.generate(), { network: 'loopback' }),
    getEndpoint(SecretKey.generate(), { network: 'loopback' })
  ])
  t.teardown(() => other.close())
  const theirs = other.acceptBi(Echo)
  const [mine, there] = await opened(endpoint, other, theirs)
  await there.write('one\ntwo\nlast')
  t.is(await mine.nextString(), 'one')
  await endpoint.close()
  t.is(await mine.nextString(), 'two')
  t.is(Buffer.from((await mine.read()) as Uint8Array).toString(), 'last')
  await t.throwsAsync(mine.read(), { code: 'ERR_CLOSED' })
  await t.throwsAsync(mine.read(), { code: 'ERR_CLOSED' })
})
