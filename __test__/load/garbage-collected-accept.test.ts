// A garbage-collected loop over connections. Alone in its file, because a process warns once per code.
import test from 'ava'
import { getEndpoint, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native/addon.js'
import { collectUntil, recordWarnings } from './support/collect.js'

test('an accept loop warns if collected while it serves, but not after it has ended', async t => {
  const warnings = recordWarnings(t)
  const options = { network: 'loopback' } as const
  const before = native().handleCount()
  await (async () => {
    const ended = await getEndpoint(SecretKey.generate(), options)
    ended.accept()
    const left = await getEndpoint(SecretKey.generate(), options)
    await left.accept().return()
    await Promise.all([ended.close(), left.close()])
  })()
  t.true(await collectUntil(() => native().handleCount() <= before))
  t.deepEqual(warnings, [])

  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const handles = native().handleCount()
  await (async () => {
    const incoming = server.accept()
    await client.ping(server.address())
    t.is(typeof incoming.next, 'function')
  })()
  t.true(await collectUntil(() => warnings.length > 0))
  t.is(warnings[0]!.code, 'ERR_LISTENER_DROPPED')
  t.regex(warnings[0]!.message, /keep a reference to the result of accept/)
  // The loop's handle, and that of the connection in its queue. The client tracks its peer.
  t.true(await collectUntil(() => native().handleCount() <= handles + 1), `${handles}, ${native().handleCount()}`)
  // The endpoint no longer accepts connections.
  const other = await getEndpoint(SecretKey.generate(), options)
  await t.throwsAsync(other.connect(server.address(), { timeout: 500 }), { code: 'ERR_UNREACHABLE' })
  await Promise.all([client.close(), server.close(), other.close()])
})
