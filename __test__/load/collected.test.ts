// What the collector lets go of: an endpoint that was closed and dropped leaves no native handle.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { getEndpoint, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

test('endpoints that were closed leave nothing native, nor do the peers that they knew', async t => {
  const server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const listening = server.listen({ Tcp: async stream => stream.finish(`${await stream.nextString()}\n`) })
  const peer = server.address()
  const one = async () => {
    const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const stream = await endpoint.getStream(peer, 'Tcp')
    await stream.finish('hello\n')
    t.is(await stream.nextString(), 'hello')
    await endpoint.close()
  }
  const before = native().handleCount()
  for (let count = 0; count < 20; count++) await one()
  // The collector may keep the last few; the limit is only there so that a leak fails the test.
  const few = before + 6
  for (let turn = 0; turn < 200 && native().handleCount() > few; turn++) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  t.true(native().handleCount() <= few, `${before} → ${native().handleCount()} handles`)
  await server.close()
  await listening
})
