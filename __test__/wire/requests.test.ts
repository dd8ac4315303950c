// The bytes of requests and answers: our caller against a raw peer that serves, and a raw peer that calls against our server.
import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Endpoint, FastnNetError, Json, Protocol, StandardSchemaV1 } from 'fastn-net'
import { alpns, dialler, endpointFor, failure, nextStreamOf, pause, pinged, rawPeerFor } from '../helpers/wire.js'

interface Vector {
  readonly what: string
  readonly protocol: Protocol
  readonly input?: Json
  readonly inputItems?: readonly Json[]
  readonly header: string
  readonly request: string
  readonly answer: string
  readonly value?: Json
  readonly items?: readonly Json[]
  readonly error?: Record<string, Json>
  readonly schemaOfNumbers?: boolean
}

const golden = JSON.parse(
  readFileSync(new URL('../../__test__/wire/requests.json', import.meta.url), 'utf8')
) as Record<string, readonly Vector[]>

const numbers: StandardSchemaV1<unknown, number> = schema(value => typeof value === 'number')

function schema<Output>(matches: (value: unknown) => boolean): StandardSchemaV1<unknown, Output> {
  const issue = { message: 'no number', path: ['a'] }
  const validate = (value: unknown) => (matches(value) ? { value: value as Output } : { issues: [issue] })
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

async function* each(items: readonly Json[]): AsyncGenerator<Json> {
  yield* items
}

async function all(items: AsyncIterable<Json>): Promise<Json[]> {
  const result: Json[] = []
  for await (const item of items) result.push(item)
  return result
}

for (const alpn of alpns) {
  for (const vector of golden[alpn] ?? []) {
    test(`${alpn}: we call, ${vector.what}`, async t => {
      const { endpoint, peer, raw } = await dialler(t, alpn)
      const input = vector.inputItems === undefined ? vector.input : each(vector.inputItems)
      const options = { timeout: Number.POSITIVE_INFINITY }
      const answer = vector.schemaOfNumbers
        ? endpoint.call(peer.address, vector.protocol, input, { ...options, schema: numbers })
        : endpoint.call(peer.address, vector.protocol, input, options)
      answer.catch(() => {})
      const theirs = await raw.accept()
      t.is(await theirs.rest(), vector.header + vector.request)
      await theirs.finish(`ack\n${vector.answer}`)
      if (vector.error !== undefined) t.like(await failure(answer), vector.error)
      else if (vector.items !== undefined)
        t.deepEqual(await all((await answer) as unknown as AsyncIterable<Json>), vector.items)
      else t.deepEqual(await answer, vector.value as never)
    })

    test(`${alpn}: we serve, ${vector.what}`, async t => {
      const endpoint = await endpointFor(t)
      serve(endpoint, vector)
      const peer = await rawPeerFor(t, alpn)
      const raw = await peer.connect(endpoint.address(), alpn)
      const theirs = await raw.open(vector.header)
      await theirs.finish(vector.request)
      t.is(await theirs.rest(), `ack\n${vector.answer}`)
    })
  }

  test(`${alpn}: the last message needs no newline, on either side`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn)
    const answer = endpoint.call(peer.address, 'add', 1)
    const theirs = await raw.accept()
    await theirs.finish(alpn === '/fastn-net/1' ? 'ack\n{"ok":3}' : 'ack\n3')
    t.is(await answer, 3)

    const server = await endpointFor(t)
    server.serve('same', (input: Json) => input)
    const caller = await (await rawPeerFor(t, alpn)).connect(server.address(), alpn)
    const ours = await caller.open('{"Generic":"same"}\n')
    await ours.finish(alpn === '/fastn-net/1' ? '{"input":3}' : '3')
    t.is(await ours.rest(), alpn === '/fastn-net/1' ? 'ack\n{"ok":3}\n' : 'ack\n3\n')
  })

  test(`${alpn}: a malformed request is refused`, async t => {
    const endpoint = await endpointFor(t)
    endpoint.serve('same', (input: Json) => input)
    const raw = await (await rawPeerFor(t, alpn)).connect(endpoint.address(), alpn)
    const own = alpn === '/fastn-net/1'
    const malformed: (string | Uint8Array)[] = ['{"input":1\n', '\n', '', new Uint8Array([0xff, 0x0a])]
    for (const request of own ? [...malformed, '[1]\n', 'null\n', '3\n'] : malformed) {
      const theirs = await raw.open('{"Generic":"same"}\n')
      await theirs.finish(request)
      const pattern = own
        ? /^ack\n\{"error":"invalid","message":".+"\}\n$/
        : /^ack\n\{"message":".+","code":"ERR_\w+"\}\n$/
      t.regex(await theirs.rest(), pattern, JSON.stringify(request))
    }
  })

  test(`${alpn}: a malformed answer fails the call`, async t => {
    const { endpoint, peer, raw } = await dialler(t, alpn)
    const own = alpn === '/fastn-net/1'
    const answers: [string, string][] = [
      ['{"ok":\n', 'ERR_JSON'],
      ['', 'ERR_UNEXPECTED_END'],
      ...(own
        ? ([
            ['3\n', 'ERR_JSON'],
            ['[]\n', 'ERR_JSON'],
            ['null\n', 'ERR_JSON']
          ] as [string, string][])
        : [])
    ]
    for (const [answer, code] of answers) {
      const result = endpoint.call(peer.address, 'add', 1)
      result.catch(() => {})
      const theirs = await raw.accept()
      await theirs.finish(`ack\n${answer}`)
      t.like(await failure(result), { code }, JSON.stringify(answer))
    }
  })
}

test('unknown members of requests and answers are ignored', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  const answer = endpoint.call(peer.address, 'add', 1)
  const theirs = await raw.accept()
  await theirs.finish('ack\n{"later":[1],"ok":3,"__proto__":{"error":"busy"}}\n')
  t.is(await answer, 3)

  const server = await endpointFor(t)
  server.serve('same', (input: Json) => input)
  const caller = await (await rawPeerFor(t, '/fastn-net/1')).connect(server.address(), '/fastn-net/1')
  const ours = await caller.open('{"Generic":"same"}\n')
  await ours.finish('{"later":[1],"input":3,"timeout":"soon"}\n')
  t.is(await ours.rest(), 'ack\n{"ok":3}\n')
})

test('the request has the remaining milliseconds', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  const answer = endpoint.call(peer.address, 'add', 1, { timeout: 60_000 })
  const theirs = await raw.accept()
  const [, left] = /"timeout":(\d+)/.exec(await theirs.rest()) ?? []
  t.true(Number(left) > 0 && Number(left) <= 60_000, left)
  await theirs.finish('ack\n{"ok":3}\n')
  t.is(await answer, 3)
})

test('an unknown refusal is ERR_REFUSED with its word', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  const answer = endpoint.call(peer.address, 'add', 1)
  answer.catch(() => {})
  await (await raw.accept()).finish('ack\n{"error":"toString","message":"a\\u001bb"}\n')
  const error = (await failure(answer)) as FastnNetError
  t.like(error, { code: 'ERR_REFUSED', remoteCode: 'toString' })
  t.true(error.message.endsWith('a\\u{1b}b'), error.message)
})

for (const code of [0x101, 0x102, 0x105]) {
  test(`a request on a connection that closes with ${code.toString(16)} is sent again on another`, async t => {
    const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
    const answer = endpoint.call(peer.address, 'add', 1, { timeout: Number.POSITIVE_INFINITY })
    answer.catch(() => {})
    const first = await raw.accept()
    t.is(await first.rest(), '{"Generic":"add"}\n{"input":1}\n')
    const accepting = nextStreamOf(peer)
    raw.close(code, 'no handler has seen it')
    const second = await accepting
    t.is(await second.rest(), '{"Generic":"add"}\n{"input":1}\n')
    await second.finish('ack\n{"ok":3}\n')
    t.is(await answer, 3)
  })
}

for (const code of [0x101, 0x102, 0x105]) {
  for (const part of ['ack\n', 'ack\n{"ok":']) {
    const answer = JSON.stringify(part)
    test(`a request that was answered with ${answer} is not sent again, whatever the close code (${code.toString(16)})`, async t => {
      const ends = await dialler(t, '/fastn-net/1')
      const { endpoint, peer, raw } = ends
      const result = endpoint.call(peer.address, 'add', 1, { timeout: 60_000 })
      result.catch(() => {})
      const theirs = await raw.accept()
      await theirs.rest()
      await theirs.write(part)
      // All written bytes have arrived.
      await pinged(ends)
      raw.close(code, 'a handler has seen it')
      t.is(((await failure(result)) as FastnNetError).errorCode, code)
    })
  }

  test(`an older peer's close code ${code.toString(16)} is its own: the request is not sent again`, async t => {
    const { endpoint, peer, raw } = await dialler(t, '/fastn/entity/0.1')
    const result = endpoint.call(peer.address, 'add', 1, { timeout: 60_000 })
    result.catch(() => {})
    await (await raw.accept()).rest()
    raw.close(code, 'a code of the application')
    t.is(((await failure(result)) as FastnNetError).errorCode, code)
  })
}

for (const acknowledged of [false, true]) {
  const title = acknowledged ? 'is not sent again once acknowledged' : 'is sent again'
  test(`a request that is still being sent as its connection closes with 101 ${title}`, async t => {
    const ends = await dialler(t, '/fastn-net/1')
    const { endpoint, peer, raw } = ends
    // Longer than the peer's receive window.
    const input = 'x'.repeat(2 * 1024 * 1024)
    const answer = endpoint.call(peer.address, 'add', input, { timeout: Number.POSITIVE_INFINITY })
    answer.catch(() => {})
    const first = await raw.accept()
    await first.take('{"Generic":"add"}\n'.length)
    if (acknowledged) {
      await first.write('ack\n')
      await pinged(ends)
      raw.close(0x101, 'a handler has seen it')
      t.is(((await failure(answer)) as FastnNetError).errorCode, 0x101)
      return
    }
    const accepting = nextStreamOf(peer)
    raw.close(0x101, 'no handler has seen it')
    const second = await accepting
    t.is(await second.rest(), `{"Generic":"add"}\n${JSON.stringify({ input })}\n`)
    await second.finish('ack\n{"ok":3}\n')
    t.is(await answer, 3)
  })
}

test('an answer is read without waiting for the ack alone', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  for (const parts of [['ack\n{"ok":3}\n'], ['ac', 'k\n{"o', 'k":3}\n']]) {
    const answer = endpoint.call(peer.address, 'add', 1)
    const theirs = await raw.accept()
    for (const part of parts) {
      await theirs.write(part)
      await pause()
    }
    await theirs.finish()
    t.is(await answer, 3)
  }
})

for (const code of [0, 7, 0x103]) {
  test(`a request on a connection that closes with ${code.toString(16)} is not sent again`, async t => {
    const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
    const answer = endpoint.call(peer.address, 'add', 1)
    answer.catch(() => {})
    const first = await raw.accept()
    await first.rest()
    raw.close(code, 'a handler may have seen it')
    t.true(['ERR_CONNECTION_LOST', 'ERR_SHUTTING_DOWN'].includes(((await failure(answer)) as FastnNetError).code))
  })
}

test('issues of any form are read safely', async t => {
  const { endpoint, peer, raw } = await dialler(t, '/fastn-net/1')
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  for (const path of ['[{"toString":1}]', `[${deep}]`, '[null,true,{"key":[]}]', '{}', `[${'1,'.repeat(100_000)}1]`]) {
    const answer = endpoint.call(peer.address, 'add', 1)
    answer.catch(() => {})
    const theirs = await raw.accept()
    await theirs.finish(`ack\n{"error":"schema","issues":[{"message":"m","path":${path}},null,1]}\n`)
    t.like(await failure(answer), { code: 'ERR_SCHEMA', remoteCode: 'schema' }, path.slice(0, 30))
  }
})

test('an answer of another kind than its schema is rejected', async t => {
  const own = await dialler(t, '/fastn-net/1')
  const older = await dialler(t, '/fastn/entity/0.1')
  const streamed = own.endpoint.call(own.peer.address, 'add', 1, { schema: numbers })
  streamed.catch(() => {})
  await (await own.raw.accept()).finish('ack\n{"stream":true}\n{"item":"text"}\n{"end":true}\n')
  t.is(((await failure(streamed)) as FastnNetError).code, 'ERR_SCHEMA')
  const bare = older.endpoint.call(older.peer.address, 'add', 1, { schema: { items: numbers } })
  t.is(((await failure(bare)) as FastnNetError).code, 'ERR_PROTOCOL_UNSUPPORTED')
})

test('an older peer is sent neither items nor a request for items', async t => {
  const { endpoint, peer } = await dialler(t, '/fastn/entity/0.1')
  const unsupported = { code: 'ERR_PROTOCOL_UNSUPPORTED' }
  t.like(await failure(endpoint.call(peer.address, 'sum', each([1]))), unsupported)
  t.like(await failure(endpoint.call(peer.address, 'count', 1, { schema: { items: numbers } })), unsupported)

  const server = await endpointFor(t)
  server.serve('count', () => each([1]))
  const caller = await (await rawPeerFor(t, '/fastn/entity/0.1')).connect(server.address(), '/fastn/entity/0.1')
  const ours = await caller.open('{"Generic":"count"}\n')
  await ours.finish('2\n')
  t.regex(await ours.rest(), /^ack\n\{"message":".+","code":"ERR_PROTOCOL_UNSUPPORTED"\}\n$/)
})

/** Serves the vector's answer. */
function serve(endpoint: Endpoint, { protocol, what, value, items, error, inputItems }: Vector): void {
  if (what === 'a refusal') endpoint.serve(protocol, () => 1, { input: numbersInA })
  else if (error !== undefined) {
    const { message, remoteName, remoteCode, data } = error
    const Thrown = remoteName === 'TypeError' ? TypeError : undefined
    const details = { message, code: remoteCode, ...(data === undefined ? {} : { data }) }
    endpoint.serve(protocol, () => {
      throw Thrown === undefined ? details : Object.assign(new Thrown(String(message)), details)
    })
  } else if (inputItems !== undefined)
    endpoint.serve(protocol, async (input: AsyncIterable<number>) => {
      let sum = 0
      for await (const item of input) sum += item
      return sum
    })
  else endpoint.serve(protocol, () => (items === undefined ? value : each(items)))
}

const numbersInA: StandardSchemaV1<unknown, { a: number }> = schema(
  value => typeof (value as { a?: unknown } | null)?.a === 'number'
)
