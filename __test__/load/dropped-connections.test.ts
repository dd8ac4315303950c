// A loop over connections that the collector finds. Alone in its file: a process warns once for each code.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { getEndpoint, SecretKey } from '../../dist/modules/index.js'
import { native } from '../../dist/modules/native/addon.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Collects until it is so; gives whether it has become so. */
async function collectUntil(isSo: () => boolean): Promise<boolean> {
  for (let turn = 0; turn < 1000 && !isSo(); turn++) {
    collect()
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return isSo()
}

test('a loop over connections warns when it is dropped while it serves, and not when it has ended', async t => {
  const warnings: (Error & { code?: string })[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
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
  await (async () => {
    const incoming = server.accept()
    await client.ping(server.address())
    t.is(typeof incoming.next, 'function')
  })()
  t.true(await collectUntil(() => warnings.length > 0))
  t.is(warnings[0]!.code, 'ERR_LISTENER_DROPPED')
  t.regex(warnings[0]!.message, /keep a reference to the result of accept/)
  // It listens for nothing any more.
  const other = await getEndpoint(SecretKey.generate(), options)
  await t.throwsAsync(other.connect(server.address(), { timeout: 500 }), { code: 'ERR_UNREACHABLE' })
  await Promise.all([client.close(), server.close(), other.close()])
})
