// What the collector finds: endpoints and loops that were dropped without being closed.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import { type Endpoint, getEndpoint, type PeerStream, SecretKey } from '../../dist/modules/index.js'
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

const options = { network: 'loopback' } as const

test.serial('an endpoint that is collected unclosed is closed: its peers hear at once', async t => {
  const server = await getEndpoint(SecretKey.generate(), options)
  const connections = server.accept()
  const before = native().handleCount()
  await (async () => {
    const dropped = await getEndpoint(SecretKey.generate(), options)
    await dropped.ping(server.address())
  })()
  const { value: connection } = await connections.next()
  let ended: { code: number | bigint; by: string } | undefined
  void connection!.closed.then(closed => {
    ended = closed
  })
  t.true(await collectUntil(() => ended !== undefined))
  t.like(ended, { code: 0x103, by: 'peer' })
  await connection![Symbol.asyncDispose]()
  t.true(await collectUntil(() => native().handleCount() <= before + 1), `${before}, ${native().handleCount()}`)
  await server.close()
})

async function queued(client: Endpoint, server: Endpoint, count: number): Promise<PeerStream[]> {
  return await Promise.all(Array.from({ length: count }, () => client.getStream(server.address(), 'Tcp')))
}

test.serial('a loop that is left lets go of what was queued with code 0', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const incoming = server.acceptBi('Tcp')
  const streams = await queued(client, server, 60)
  for await (const stream of incoming) {
    await stream.finish('taken\n')
    break
  }
  const outcomes = await Promise.all(
    streams.map(stream => stream.nextString().catch((error: { code: string; errorCode?: number }) => error))
  )
  t.is(outcomes.filter(outcome => outcome === 'taken').length, 1)
  const others = outcomes.filter(outcome => typeof outcome !== 'string')
  t.is(others.length, 59)
  for (const outcome of others) t.like(outcome, { code: 'ERR_STREAM_RESET', errorCode: 0 })
  await Promise.all([client.close(), server.close()])
})

test.serial('a loop that is dropped while it serves lets go of what it took, and says so', async t => {
  const [client, server] = await Promise.all([
    getEndpoint(SecretKey.generate(), options),
    getEndpoint(SecretKey.generate(), options)
  ])
  const warnings: (Error & { code?: string })[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const streams = await (async () => {
    const incoming = server.acceptBi('Tcp')
    const opened = await queued(client, server, 60)
    await incoming.next()
    return opened
  })()
  let ended = 0
  for (const stream of streams)
    void stream.read().then(
      () => ended++,
      () => ended++
    )
  t.true(await collectUntil(() => ended === 60), `${ended} of 60 ended`)
  t.true(await collectUntil(() => warnings.length > 0))
  t.is(warnings[0]!.code, 'ERR_LISTENER_DROPPED')
  await t.throwsAsync(client.getStream(server.address(), 'Tcp'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  process.off('warning', onWarning)
  await Promise.all([client.close(), server.close()])
})

test.serial('a loop that ended with its endpoint is dropped without a word', async t => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  const before = native().handleCount()
  await (async () => {
    const server = await getEndpoint(SecretKey.generate(), options)
    server.acceptBi('Tcp')
    await server.close()
  })()
  t.true(await collectUntil(() => native().handleCount() <= before))
  t.deepEqual(warnings, [])
  process.off('warning', onWarning)
})

test.serial('peers that are asked for in turn stay known, 1,100 of them', async t => {
  const endpoint = await getEndpoint(SecretKey.generate(), options)
  const before = native().handleCount()
  const peers = Array.from({ length: 1100 }, () => SecretKey.generate().id52)
  const reason = new Error('not wanted')
  for (const peer of peers) {
    const controller = new AbortController()
    const asked = endpoint.ping(peer, { signal: controller.signal })
    controller.abort(reason)
    await t.throwsAsync(asked, { is: reason })
  }
  t.is(native().handleCount() - before, peers.length)
  await endpoint.close()
})
