// HTTP/1.1 on raw streams: messages that serveHttp and fetch reject.
import test from 'ava'
import { type Endpoint, isFastnNetError, Protocol } from 'fastn-net'
import { pair } from '../helpers/pair.js'

const protocol = Protocol.generic({ fastn: 'http', service: '' })
const host = 'Host: peer\r\n'

/** Sends these bytes and returns all received bytes. */
async function exchange(client: Endpoint, server: Endpoint, text: string, ends = true): Promise<string> {
  await using stream = await client.getStream(server.address(), protocol)
  const bytes = Buffer.from(text, 'latin1')
  await (ends ? stream.finish(bytes) : stream.write(bytes)).catch(() => {})
  return await stream.text()
}

const statusOf = (answer: string) => /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]

const chunked = (body: string, fields = 'Transfer-Encoding: chunked\r\n') =>
  `POST / HTTP/1.1\r\n${host}${fields}\r\n${body}`

const malformed: Record<string, [text: string, status: string]> = {
  'a bare LF': [`GET / HTTP/1.1\n${host}\n`, '400'],
  'a bare LF in the head': [`GET / HTTP/1.1\r\nHost: peer\nX: y\r\n\r\n`, '400'],
  'a bare CR': [`GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`, '400'],
  'a NUL': [`GET / HTTP/1.1\r\n${host}X: a\0b\r\n\r\n`, '400'],
  'a folded line': [`GET / HTTP/1.1\r\n${host}X: a\r\n b\r\n\r\n`, '400'],
  'a space before the colon': [`GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`, '400'],
  'an empty name': [`GET / HTTP/1.1\r\n${host}: a\r\n\r\n`, '400'],
  'a line without a colon': [`GET / HTTP/1.1\r\n${host}X\r\n\r\n`, '400'],
  'an empty first line': [`\r\n\r\nGET / HTTP/1.1\r\n${host}\r\n`, '400'],
  'no host': ['GET / HTTP/1.1\r\n\r\n', '400'],
  'two hosts': [`GET / HTTP/1.1\r\n${host}${host}\r\n`, '400'],
  'a host with a path': ['GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', '400'],
  'a host with a user': ['GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', '400'],
  'a host with a query': ['GET / HTTP/1.1\r\nHost: a?b\r\n\r\n', '400'],
  'another target than a path': [`GET x HTTP/1.1\r\n${host}\r\n`, '400'],
  'a space in the target': [`GET /a b HTTP/1.1\r\n${host}\r\n`, '400'],
  'no version': [`GET /\r\n${host}\r\n`, '400'],
  'lower case in the version': [`GET / http/1.1\r\n${host}\r\n`, '400'],
  'HTTP/1.0': [`GET / HTTP/1.0\r\n${host}\r\n`, '505'],
  'HTTP/2': [`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`, '505'],
  'a TLS handshake': ['\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', '400'],
  CONNECT: [`CONNECT peer:80 HTTP/1.1\r\n${host}\r\n`, '501'],
  TRACE: [`TRACE / HTTP/1.1\r\n${host}\r\n`, '501'],
  'two lengths': [`POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, '400'],
  'a list of lengths': [`POST / HTTP/1.1\r\n${host}Content-Length: 1, 1\r\n\r\na`, '400'],
  'a negative length': [`POST / HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\na`, '400'],
  'a length with a sign': [`POST / HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\na`, '400'],
  'a length in hex': [`POST / HTTP/1.1\r\n${host}Content-Length: 0x1\r\n\r\na`, '400'],
  'an empty length': [`POST / HTTP/1.1\r\n${host}Content-Length:\r\n\r\na`, '400'],
  'a huge length': [`POST / HTTP/1.1\r\n${host}Content-Length: 99999999999999999999\r\n\r\na`, '400'],
  'a length above the limit': [`POST / HTTP/1.1\r\n${host}Content-Length: 99999999999\r\n\r\na`, '413'],
  'a length and chunks': [chunked('0\r\n\r\n', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'), '400'],
  'chunked twice': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n'), '400'],
  'another coding': [chunked('0\r\n\r\n', 'Transfer-Encoding: gzip, chunked\r\n'), '501'],
  'a coding like chunked': [chunked('0\r\n\r\n', 'Transfer-Encoding: xchunked\r\n'), '501'],
  'a body of GET': [`GET / HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\na`, '400'],
  'an unknown expectation': [chunked('0\r\n\r\n', 'Transfer-Encoding: chunked\r\nExpect: tea\r\n'), '417'],
  'a chunk size that is no number': [chunked('x\r\na\r\n0\r\n\r\n'), '400'],
  'a chunk size with a sign': [chunked('+1\r\na\r\n0\r\n\r\n'), '400'],
  'a chunk size in 0x': [chunked('0x1\r\na\r\n0\r\n\r\n'), '400'],
  'a huge chunk size': [chunked('fffffffffffffffff\r\na'), '400'],
  'a chunk above the limit': [chunked(`${'9'.repeat(5)}\r\n${'a'.repeat(0x99999)}\r\n0\r\n\r\n`), '413'],
  'a chunk longer than its size': [chunked('1\r\nab\r\n0\r\n\r\n'), '400'],
  'a chunk that ends in LF': [chunked('1\r\na\n0\r\n\r\n'), '400'],
  'a chunk size that ends in LF': [chunked('1\na\r\n0\r\n\r\n'), '400'],
  'a long chunk extension': [chunked(`1;${'x'.repeat(1000)}\r\na\r\n0\r\n\r\n`), '400'],
  'a bad trailer': [chunked('0\r\nbad\r\n\r\n'), '400'],
  'endless trailers': [chunked(`0\r\n${'a: b\r\n'.repeat(1_000)}\r\n`), '431'],
  'a head that is too long': [`GET / HTTP/1.1\r\n${host}X: ${'a'.repeat(70_000)}\r\n\r\n`, '431'],
  'too many fields': [`GET / HTTP/1.1\r\n${host}${'a:b\r\n'.repeat(2_000)}\r\n`, '431'],
  'a head that is cut': [`GET / HTTP/1.1\r\n${host}`, '400']
}

// Rejected once the stream ends, or after the timeout.
const incomplete = ['a head that is cut', 'a TLS handshake']

test('malformed requests get a status, and the server continues', async t => {
  await using ends = await pair()
  const { client, server } = ends
  const seen: string[] = []
  const handler = async (request: Request) => {
    const text = await request.text()
    seen.push(text)
    return new Response(text)
  }
  server.serveHttp(handler, { maxBodyBytes: 100_000, onError: error => t.log(error) })
  for (const [what, [text, status]] of Object.entries(malformed)) {
    t.is(statusOf(await exchange(client, server, text)), status, what)
    if (!incomplete.includes(what)) t.is(statusOf(await exchange(client, server, text, false)), status, what)
  }
  t.deepEqual(seen, [])
  t.is(await (await client.fetch(server.address(), '/', { method: 'POST', body: 'fine' })).text(), 'fine')
})

test('several requests on one stream are answered in order', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(`${new URL(request.url).pathname}:${await request.text()}`))
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\n${host}Content-Length: ${body.length}\r\n\r\n${body}`
  const chunks = `POST /c HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nab\r\n1\r\nc\r\n0\r\nX: y\r\n\r\n`
  const last = `GET /d HTTP/1.1\r\n${host}Connection: close\r\n\r\nGET /never HTTP/1.1\r\n${host}\r\n`
  const answer = await exchange(client, server, post('/a', '1') + post('/b', '22') + chunks + last, false)
  t.deepEqual(answer.match(/\/\w+:\w*(?=HTTP|$)/g), ['/a:1', '/b:22', '/c:abc', '/d:'])
})

test('requests in single bytes and with Expect: 100-continue are answered', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(async request => new Response(await request.text()))
  await using stream = await client.getStream(server.address(), protocol)
  const head = `POST / HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n`
  for (const byte of Buffer.from(head)) {
    await stream.write(Uint8Array.of(byte))
    await new Promise(resolve => setImmediate(resolve))
  }
  t.is(await stream.nextString(), 'HTTP/1.1 100 Continue\r')
  t.is(await stream.nextString(), '\r')
  await stream.finish('ok')
  t.regex(await stream.text(), /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
})

test('a head that does not arrive in time is 408', async t => {
  await using ends = await pair()
  const { client, server } = ends
  server.serveHttp(() => new Response(), { headTimeout: 50 })
  t.is(statusOf(await exchange(client, server, 'GET / HT', false)), '408')
})

const answers: Record<string, [text: string, code: string | null]> = {
  'a good answer': ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  'interim answers': ['HTTP/1.1 103 \r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', null],
  'a body up to the FIN': ['HTTP/1.1 200 OK\r\n\r\nok', null],
  chunks: ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n', null],
  nothing: ['', 'ERR_UNEXPECTED_END'],
  'half a head': ['HTTP/1.1 200 OK\r\n', 'ERR_UNEXPECTED_END'],
  'something else': ['SSH-2.0-OpenSSH\r\n\r\n', 'ERR_UNEXPECTED_END'],
  'an unasked upgrade': ['HTTP/1.1 101 \r\n\r\n', 'ERR_UNEXPECTED_END'],
  'endless interim answers': ['HTTP/1.1 100 \r\n\r\n'.repeat(50), 'ERR_UNEXPECTED_END'],
  'a body that is cut': ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok', 'ERR_UNEXPECTED_END'],
  'chunks that are cut': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n', 'ERR_UNEXPECTED_END'],
  'a length and chunks': [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok',
    'ERR_UNEXPECTED_END'
  ],
  'a huge head': [`HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`, 'ERR_TOO_LARGE']
}

test('malformed answers are errors', async t => {
  await using ends = await pair()
  const { client, server } = ends
  let answer = ''
  server.listen([[protocol, stream => stream.finish(answer)]])
  for (const [what, [text, code]] of Object.entries(answers)) {
    answer = text
    const got = await client
      .fetch(server.address(), '/')
      .then(response => response.text())
      .catch((error: unknown) => error)
    if (code === null) t.is(got, 'ok', what)
    else t.true(isFastnNetError(got) && got.code === code, `${what}: ${got}`)
  }
})
