// `reauthorize` after the results of `authorize` have changed.
import test, { type ExecutionContext } from 'ava'
import { type Authorize, type Endpoint, getEndpoint, type PeerStream, type Protocol, SecretKey } from 'fastn-net'
import { turn } from '../helpers/pair.js'

const Echo: Protocol = 'Echo'

async function endpoint(t: ExecutionContext, authorize?: Authorize): Promise<Endpoint> {
  const options = authorize === undefined ? {} : { authorize }
  const made = await getEndpoint(SecretKey.generate(), { network: 'loopback', closeTimeout: 500, ...options })
  t.teardown(() => made.close())
  return made
}

async function open(client: Endpoint, server: Endpoint, count: number): Promise<PeerStream[]> {
  return await Promise.all(Array.from({ length: count }, () => client.getStream(server.address(), Echo)))
}

/** Whether the loop yields a stream. */
async function gives(incoming: AsyncIterator<PeerStream>): Promise<boolean> {
  let given = false
  void incoming.next().then(({ done }) => {
    given = done !== true
  })
  await turn()
  return given
}

test('300 queued streams reach no loop once authorize rejects them', async t => {
  let may = true
  const [server, first, second] = [await endpoint(t, { stream: () => may }), await endpoint(t), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  const streams = [...(await open(first, server, 150)), ...(await open(second, server, 151))]
  // With the first, the loop prefetches others.
  const taken = (await incoming.next()).value
  may = false
  await server.access.reauthorize()
  t.false(await gives(incoming))
  await taken?.finish()
  const outcomes = await Promise.allSettled(streams.map(stream => stream.read()))
  const reset = outcomes.filter(({ status }) => status === 'rejected')
  t.is(reset.length, 300)
  for (const { reason } of reset as PromiseRejectedResult[]) t.like(reason, { code: 'ERR_STREAM_RESET', errorCode: 0 })
})

test('queued streams wait for the new result, and keep their order if authorized', async t => {
  let answer: (() => boolean | Promise<boolean>) | undefined
  const asked: Protocol[] = []
  const stream = (_: string, protocol: Protocol) => {
    asked.push(protocol)
    return answer?.() ?? true
  }
  const [server, client] = [await endpoint(t, { stream }), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  const streams = []
  for (let count = 0; count < 40; count++) streams.push(await client.getStream(server.address(), Echo))
  const ids = [(await incoming.next()).value?.id]
  let letIn: (() => void) | undefined
  const open = new Promise<boolean>(resolve => {
    letIn = () => resolve(true)
  })
  answer = () => open
  const reauthorized = server.access.reauthorize()
  const next = incoming.next()
  let given = false
  void next.then(() => {
    given = true
  })
  await turn()
  t.false(given)
  letIn?.()
  await reauthorized
  ids.push((await next).value?.id)
  for (let count = 2; count < 40; count++) ids.push((await incoming.next()).value?.id)
  t.deepEqual(
    ids,
    streams.map(({ id }) => id)
  )
  t.deepEqual(asked, Array(40 + 39).fill(Echo))
})

test('a newly rejected peer is disconnected, and others are not', async t => {
  const refused = new Set<string>()
  const asked: Protocol[] = []
  const peer = (id52: string) => {
    asked.push(id52)
    return !refused.has(id52)
  }
  const [server, friend, foe] = [await endpoint(t, { peer }), await endpoint(t), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  const [ofFriend] = await open(friend, server, 1)
  const [ofFoe] = await open(foe, server, 1)
  refused.add(foe.id52)
  await server.access.reauthorize()
  t.deepEqual(asked, [friend.id52, foe.id52, ...asked.slice(2)])
  t.deepEqual(asked.slice(2).sort(), [friend.id52, foe.id52].sort())
  await t.throwsAsync(ofFoe!.read(), { code: 'ERR_UNAUTHORIZED' })
  await t.throwsAsync(foe.getStream(server.address(), Echo), { code: 'ERR_UNAUTHORIZED' })
  const { value } = await incoming.next()
  t.is(value?.remoteId52, friend.id52)
  await value?.finish('served\n')
  t.is(await ofFriend!.nextString(), 'served')
  t.false(await gives(incoming))
})

test('a stream whose ack is not sent yet gets the refusal', async t => {
  let may = true
  let asked: (() => void) | undefined
  const stream = () => {
    asked?.()
    return may
  }
  const [server, client] = [await endpoint(t, { stream }), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  await client.ping(server.address())
  const outcomes: string[] = []
  // An ack is delayed for at most 20 ms, to travel with the answer. A slow machine may have sent it already.
  while (outcomes.length < 50 && outcomes.at(-1) !== 'ERR_UNAUTHORIZED') {
    may = true
    const letIn = new Promise<void>(resolve => {
      asked = resolve
    })
    const sent = await client.getStream(server.address(), Echo, { ack: 'later' })
    await sent.finish('hello\n')
    const outcome = sent.nextString().catch(error => error.code as string)
    await letIn
    may = false
    await server.access.reauthorize()
    outcomes.push(await outcome)
  }
  t.is(outcomes.at(-1), 'ERR_UNAUTHORIZED')
  t.deepEqual(
    outcomes.slice(0, -1).filter(outcome => outcome !== 'ERR_STREAM_RESET'),
    []
  )
  await incoming.return()
})

test('without authorize, reauthorize is a no-op', async t => {
  const [server, client] = [await endpoint(t), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  await open(client, server, 3)
  await server.access.reauthorize()
  for (let count = 0; count < 3; count++) t.is((await incoming.next()).value?.remoteId52, client.id52)
  await t.throwsAsync(server.access.reauthorize({ sginal: undefined } as never), { code: 'ERR_INVALID_ARGUMENT' })
})

test('a signal ends the wait, but not the reauthorization', async t => {
  let letIn: ((may: boolean) => void) | undefined
  let isFirst = true
  const stream = () => {
    if (isFirst) return true
    return new Promise<boolean>(resolve => {
      letIn = resolve
    })
  }
  const [server, client] = [await endpoint(t, { stream }), await endpoint(t)]
  const incoming = server.acceptBi(Echo)
  const [queued] = await open(client, server, 1)
  isFirst = false
  const controller = new AbortController()
  const waiting = server.access.reauthorize({ signal: controller.signal })
  while (letIn === undefined) await turn()
  const reason = new Error('enough')
  controller.abort(reason)
  await t.throwsAsync(waiting, { is: reason })
  letIn(true)
  t.is((await incoming.next()).value?.id, queued!.id)
})
