// The same three endpoints for every library: /small, /down/BYTES, /up (counts the body).
import { Readable } from 'node:stream'

const chunk = Buffer.alloc(65536, 7)
export function* chunks(bytes) {
  for (; bytes > 0; bytes -= chunk.length) yield chunk.subarray(0, Math.min(bytes, chunk.length))
}
export const readable = bytes => Readable.from(chunks(bytes), { objectMode: false })
export const count = async stream => {
  let n = 0
  for await (const d of stream) n += d.length
  return n
}
export const text = async stream => {
  let s = ''
  for await (const d of stream) s += d
  return s
}

/** For node:http, https, http2. */
export async function handle(req, res) {
  if (req.url.startsWith('/down/'))
    return readable(+req.url.slice(6)).pipe(
      res.setHeader ? (res.setHeader('content-length', req.url.slice(6)), res) : res
    )
  res.end(req.url === '/up' ? String(await count(req)) : 'hello, world\n')
}

/** For fetch-style servers: Request in, Response out. */
export async function answer(req) {
  const { pathname } = new URL(req.url)
  if (pathname.startsWith('/down/')) return new Response(Readable.toWeb(readable(+pathname.slice(6))))
  return new Response(pathname === '/up' ? String(await count(req.body)) : 'hello, world\n')
}

/** get and post over a node:http-like request(options, callback). */
export const viaRequest = request => ({
  get: path =>
    new Promise((resolve, reject) => {
      request({ path, method: 'GET' }, res => count(res).then(resolve, reject))
        .on('error', reject)
        .end()
    }),
  post: (path, bytes) =>
    new Promise((resolve, reject) => {
      const req = request({ path, method: 'POST', headers: { 'content-length': bytes } }, res =>
        text(res).then(Number).then(resolve, reject)
      ).on('error', reject)
      readable(bytes).pipe(req)
    })
})

export const certificate = async () => {
  const { execFileSync } = await import('node:child_process')
  const pem = execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-subj',
      '/CN=bench',
      '-days',
      '9',
      '-keyout',
      '-',
      '-out',
      '-'
    ],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
  )
  return { key: pem, cert: pem }
}
export const listen = server => new Promise(r => server.listen(0, '127.0.0.1', () => r(server.address().port)))
