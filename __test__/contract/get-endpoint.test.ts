// A failed or aborted getEndpoint holds no port.
import test from 'ava'
import { getEndpoint, SecretKey } from 'fastn-net'
import { freePort } from '../helpers/free-port.js'

test('an aborted getEndpoint frees its port before it rejects', async t => {
  const network = { bind: [`127.0.0.1:${await freePort()}`] }
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController()
    const reason = new Error('not wanted')
    const binding = getEndpoint(SecretKey.generate(), { network, signal: controller.signal })
    if (round % 2 === 0) await new Promise(resolve => setTimeout(resolve, round / 4))
    controller.abort(reason)
    const endpoint = await binding.catch(error => {
      t.is(error, reason)
      return undefined
    })
    await endpoint?.close()
    const next = await getEndpoint(SecretKey.generate(), { network })
    await next.close()
  }
})

test('a getEndpoint that fails after binding frees its port before it rejects', async t => {
  const network = { bind: [`127.0.0.1:${await freePort()}`] }
  const key = SecretKey.generate()
  for (let round = 0; round < 5; round++) {
    const wrong = getEndpoint(key, {
      network: { ...network, peers: [{ id52: key.id52, addresses: ['127.0.0.1:9'] }] }
    })
    await t.throwsAsync(wrong, { code: 'ERR_PEER_ADDRESS' })
    const next = await getEndpoint(key, { network })
    await next.close()
  }
})
