// HTTP with an older peer: the protocol `Http`, with a line of JSON for each head.
import test from 'ava'
import type { Endpoint } from 'fastn-net'
import { dialler, endpointFor, failure, rawPeerFor } from '../helpers/wire.js'

const older = '/fastn/entity/0.1'
const codes = (text: string) => `[${[...Buffer.from(text, 'latin1')].join(',')}]`

test('fetch: the bytes of a request and its answer', async t => {
  const { endpoint, peer, raw } = await dialler(t, older)
  const init = { method: 'POST', body: 'hello', headers: { 'x-one': 'é', 'content-type': 'a/b', te: 'trailers' } }
  const answering = endpoint.fetch(peer.address, '/p?q', init)
  const stream = await raw.accept()
  const fields = [
    ['host', peer.id52],
    ['content-type', 'a/b'],
    ['x-one', 'é'],
    ['content-length', '5']
  ]
  const headers = fields.map(([name, value = '']) => `["${name}",${codes(value)}]`).join(',')
  t.is(await stream.rest(), `"Http"\n{"uri":"/p?q","method":"POST","headers":[${headers}]}\nhello`)
  await stream.write(`ack\n{"status":201,"headers":[["x-two",${codes('b')}],["x-two",${codes('c')}],`)
  await stream.finish(`["transfer-encoding",${codes('chunked')}],["connection",${codes('keep-alive')}]]}\nanswer`)
  const response = await answering
  t.is(response.status, 201)
  t.deepEqual([...response.headers], [['x-two', 'b, c']])
  t.is(await response.text(), 'answer')
})

test('fetch: the first request dials an older peer too, and sends nothing else to it', async t => {
  const endpoint = await endpointFor(t)
  const peer = await rawPeerFor(t, older)
  const serving = (async () => {
    const raw = await peer.accept()
    const stream = await raw.accept()
    t.is(await stream.rest(), `"Http"\n{"uri":"/","method":"GET","headers":[["host",${codes(peer.id52)}]]}\n`)
    await stream.finish('ack\n{"status":200,"headers":[]}\n')
  })()
  const response = await endpoint.fetch(peer.address, '/')
  t.is(response.status, 200)
  t.is(await response.text(), '')
  await serving
  const named = await failure(endpoint.fetch(peer.address, '/', { service: 'api' }))
  t.is((named as { code?: string }).code, 'ERR_PROTOCOL_UNSUPPORTED')
})

const answers: Record<string, [text: string, outcome: string]> = {
  'a body up to the FIN': ['{"status":200,"headers":[]}\nab', 'ab'],
  'a length that is kept': [`{"status":200,"headers":[["content-length",${codes('2')}]]}\nab`, 'ab'],
  'a body that is cut': [`{"status":200,"headers":[["content-length",${codes('3')}]]}\nab`, 'ERR_UNEXPECTED_END'],
  'no answer': ['', 'ERR_UNEXPECTED_END'],
  'half a head': ['{"status":200', 'ERR_UNEXPECTED_END'],
  'no JSON': ['HTTP/1.1 200 OK\r\n\r\n', 'ERR_UNEXPECTED_END'],
  'no status': ['{"headers":[]}\n', 'ERR_UNEXPECTED_END'],
  'an impossible status': ['{"status":99,"headers":[]}\n', 'ERR_UNEXPECTED_END'],
  'no headers': ['{"status":200}\n', 'ERR_UNEXPECTED_END'],
  'a header of text': ['{"status":200,"headers":[["a","b"]]}\n', 'ERR_UNEXPECTED_END'],
  'a byte above 255': ['{"status":200,"headers":[["a",[256]]]}\n', 'ERR_UNEXPECTED_END'],
  'a split value': ['{"status":200,"headers":[["a",[13,10]]]}\n', 'ERR_UNEXPECTED_END'],
  'a huge head': [`{"status":200,"headers":[["a",${codes('a'.repeat(70_000))}]]}\n`, 'ERR_TOO_LARGE']
}

test('fetch: malformed answers are errors', async t => {
  const { endpoint, peer, raw } = await dialler(t, older)
  for (const [what, [text, outcome]] of Object.entries(answers)) {
    const fetching = endpoint.fetch(peer.address, '/').then(response => response.text())
    const stream = await raw.accept()
    // It stops reading a malformed answer.
    await stream.finish(`ack\n${text}`).catch(() => {})
    const got = await fetching.catch((error: { code?: string }) => error.code)
    t.is(got, outcome, what)
  }
  const fetching = endpoint.fetch(peer.address, '/').then(response => response.text())
  const stream = await raw.accept()
  await stream.write('ack\n{"status":200,"headers":[]}\npart')
  await stream.reset(0)
  t.is(((await failure(fetching)) as { code?: string }).code, 'ERR_STREAM_RESET')
})

async function served(t: Parameters<typeof endpointFor>[0]) {
  const endpoint = await endpointFor(t)
  const peer = await rawPeerFor(t, older)
  return { endpoint, peer, connect: () => peer.connect(endpoint.address(), older) }
}

function echoServer(endpoint: Endpoint) {
  endpoint.serveHttp(async request => {
    const { method, url, headers } = request
    const text = await request.text()
    const seen = { method, url, peer: headers.get('fastn-peer'), x: headers.get('x'), text }
    return new Response(JSON.stringify(seen), { status: 202, headers: { 'x-a': 'é' } })
  })
}

test('serveHttp: the bytes of a request and its answer', async t => {
  const { endpoint, peer, connect } = await served(t)
  echoServer(endpoint)
  const raw = await connect()
  const headers = `[["host",${codes('h')}],["x",${codes('1')}],["x",${codes('2')}],["fastn-peer",${codes('forged')}]]`
  const stream = await raw.open(`"Http"\n{"uri":"/p?q","method":"PUT","headers":${headers}}\nbody`)
  await stream.finish()
  const seen = JSON.stringify({ method: 'PUT', url: 'http://h/p?q', peer: peer.id52, x: '1, 2', text: 'body' })
  const fields = [
    ['content-type', 'text/plain;charset=UTF-8'],
    ['x-a', 'é'],
    ['content-length', String(seen.length)]
  ]
  const pairs = fields.map(([name, value = '']) => `["${name}",${codes(value)}]`).join(',')
  t.is(await stream.rest(), `ack\n{"status":202,"headers":[${pairs}]}\n${seen}`)
})

test('serveHttp: refusals, and an answer that fails in the middle', async t => {
  const { endpoint, connect } = await served(t)
  let fail = () => {}
  endpoint.serveHttp(
    request => {
      if (request.method === 'PUT') return request.text().then(() => new Response('no'))
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(Buffer.from('part'))
          fail = () => controller.error(new Error('disk failed'))
        }
      })
      return new Response(body)
    },
    { onError: () => {} }
  )
  const raw = await connect()
  for (const [head, status] of [
    ['{', 400],
    ['[]', 400],
    ['{"uri":"/","method":"GET"}', 400],
    ['{"uri":"/","method":"G T","headers":[]}', 400],
    ['{"uri":"/a b","method":"GET","headers":[]}', 400],
    ['{"uri":"/\\n","method":"GET","headers":[]}', 400],
    ['{"uri":"/","method":"GET","headers":[["a",[98,10,99]]]}', 400],
    ['{"uri":"/","method":"GET","headers":[["a",[98,13,10]]]}', 400],
    ['{"uri":"/","method":"GET","headers":[["a",[0]]]}', 400],
    ['{"uri":"/","method":"GET","headers":[["a\\nb",[99]]]}', 400],
    ['{"uri":"/","method":"CONNECT","headers":[]}', 501],
    [`{"uri":"/","method":"PUT","headers":[["content-length",${codes('9')}],["content-length",${codes('9')}]]}`, 400],
    [`{"uri":"/","method":"GET","headers":[["a",${codes('a'.repeat(70_000))}]]}`, 431]
  ] as const) {
    const stream = await raw.open(`"Http"\n${head}\n`)
    const answer = await stream.rest()
    t.true(answer.startsWith(`ack\n{"status":${status},`), `${head.slice(0, 80)}: ${answer.slice(0, 80)}`)
  }
  const cut = await raw.open(`"Http"\n{"uri":"/","method":"PUT","headers":[["content-length",${codes('9')}]]}\nab`)
  await cut.finish()
  t.true((await cut.rest()).startsWith('ack\n{"status":500,'))
  const failing = await raw.open('"Http"\n{"uri":"/","method":"GET","headers":[]}\n')
  t.is(await failing.take(4), 'ack\n')
  t.is(await failing.take(32), '{"status":200,"headers":[]}\npart')
  fail()
  t.is(await failing.wasReset(), 0)
})
