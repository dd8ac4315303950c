// `folder`, as a child process over loopback, asked with `endpoint.fetch`.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { createEndpoint, type Endpoint } from 'fastn-net'
import { prompt } from '../helpers/prompt.js'
import { cli, folderFor, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

interface Site {
  readonly folder: string
  get(path: string, init?: RequestInit): Promise<Response>
}

async function client(t: ExecutionContext): Promise<Endpoint> {
  const endpoint = await createEndpoint({ network: 'loopback' })
  t.teardown(() => endpoint.close({ timeout: 0 }))
  return endpoint
}

/** Serves a folder with some files. */
async function site(t: ExecutionContext, ...options: string[]): Promise<Site> {
  const folder = join(folderFor(t), 'site')
  mkdirSync(join(folder, 'a b', 'deep'), { recursive: true })
  mkdirSync(join(folder, 'page'))
  writeFileSync(join(folder, 'hello.txt'), 'hello, world')
  writeFileSync(join(folder, 'a b', 'ü&<i>.json'), '{}')
  writeFileSync(join(folder, 'page', 'index.html'), '<h1>page</h1>')
  writeFileSync(join(folder, '.secret'), 'hidden')
  writeFileSync(join(folder, '..', 'outside.txt'), 'outside')
  const ticket = await serving(t, ['folder', folder, '--public', ...options])
  const endpoint = await client(t)
  return { folder, get: (path, init = {}) => endpoint.fetch(ticket, path, init) }
}

async function textOf(response: Promise<Response>): Promise<string> {
  return await (await response).text()
}

test('files have their bytes, types and validators', async t => {
  const { folder, get } = await site(t)
  const response = await get('/hello.txt')
  t.is(response.status, 200)
  t.is(response.headers.get('content-type'), 'text/plain; charset=utf-8')
  t.is(response.headers.get('content-length'), '12')
  t.is(response.headers.get('x-content-type-options'), 'nosniff')
  t.is(await response.text(), 'hello, world')
  const bytes = randomBytes(5_000_001)
  writeFileSync(join(folder, 'large.bin'), bytes)
  t.true(Buffer.from(await (await get('/large.bin')).arrayBuffer()).equals(bytes))
  t.is(await textOf(get('/a%20b/%C3%BC%26%3Ci%3E.json')), '{}')
  const head = await get('/large.bin', { method: 'HEAD' })
  t.deepEqual([head.status, head.headers.get('content-length'), await head.text()], [200, '5000001', ''])
})

test('a cached copy is confirmed with 304 until the file changes', async t => {
  const { folder, get } = await site(t)
  const first = await get('/hello.txt')
  await first.text()
  const [etag, modified] = [first.headers.get('etag') ?? '', first.headers.get('last-modified') ?? '']
  const status = async (headers: Record<string, string>) => (await get('/hello.txt', { headers })).status
  t.is(await status({ 'if-none-match': etag }), 304)
  t.is(await status({ 'if-none-match': `"x", W/${etag}` }), 304)
  t.is(await status({ 'if-modified-since': modified }), 304)
  t.is(await status({ 'if-none-match': '"x"', 'if-modified-since': modified }), 200)
  t.is(await status({ 'if-match': '"x"' }), 412)
  utimesSync(join(folder, 'hello.txt'), new Date(), new Date(Date.now() + 10_000))
  t.is(await status({ 'if-none-match': etag }), 200)
  t.is(await status({ 'if-modified-since': modified }), 200)
})

test('ranges of a file are 206, and ranges beyond its end 416', async t => {
  const { get } = await site(t)
  const part = async (range: string, more: Record<string, string> = {}) => {
    const response = await get('/hello.txt', { headers: { range, ...more } })
    return [response.status, response.headers.get('content-range'), await response.text()]
  }
  t.deepEqual(await part('bytes=0-4'), [206, 'bytes 0-4/12', 'hello'])
  t.deepEqual(await part('bytes=7-'), [206, 'bytes 7-11/12', 'world'])
  t.deepEqual(await part('bytes=-5'), [206, 'bytes 7-11/12', 'world'])
  t.deepEqual(await part('bytes=-50'), [206, 'bytes 0-11/12', 'hello, world'])
  t.deepEqual(await part('bytes=11-99'), [206, 'bytes 11-11/12', 'd'])
  t.deepEqual((await part('bytes=12-')).slice(0, 2), [416, 'bytes */12'])
  t.deepEqual((await part('bytes=-0')).slice(0, 2), [416, 'bytes */12'])
  for (const whole of ['bytes=4-1', 'bytes=0-1,3-4', 'lines=1-2', 'bytes=-']) {
    t.deepEqual(await part(whole), [200, null, 'hello, world'], whole)
  }
  t.is((await part('bytes=0-4', { 'if-range': '"another"' }))[0], 200)
  const etag = (await get('/hello.txt', { method: 'HEAD' })).headers.get('etag') ?? ''
  t.is((await part('bytes=0-4', { 'if-range': etag }))[0], 206)
})

test('a folder has a list, or its index.html', async t => {
  const { folder, get } = await site(t)
  symlinkSync(join(folder, 'hello.txt'), join(folder, 'link.txt'))
  const list = await get('/')
  const html = await list.text()
  t.regex(html, /<a href="\.\/a%20b\/">a b\/<\/a>/)
  t.regex(html, /<a href="\.\/hello\.txt">hello\.txt<\/a>/)
  t.false(html.includes('secret') || html.includes('link.txt'))
  t.regex(list.headers.get('content-security-policy') ?? '', /default-src 'none'/)
  t.regex(await textOf(get('/a%20b/')), /<a href="\.\/%C3%BC%26%3Ci%3E\.json">ü&amp;&lt;i&gt;\.json<\/a>/)
  t.is(await textOf(get('/page/')), '<h1>page</h1>')
  const moved = await get('/a%20b?x=1', { redirect: 'manual' })
  t.deepEqual([moved.status, moved.headers.get('location')], [308, '/a%20b/?x=1'])
})

test('files outside, links and hidden files are not served', async t => {
  const { folder, get } = await site(t)
  if (process.platform !== 'win32') {
    symlinkSync(join(folder, '..', 'outside.txt'), join(folder, 'link.txt'))
    symlinkSync(join(folder, '..'), join(folder, 'up'))
  }
  const paths = [
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/a%20b/..%2f..%2foutside.txt',
    '/..%5coutside.txt',
    '/hello.txt%00',
    '/hello.txt/',
    '//hello.txt',
    '/%E0%A4%A',
    '/link.txt',
    '/up/outside.txt',
    '/up/',
    '/.secret',
    '/nothing'
  ]
  for (const path of paths) {
    const response = await get(path)
    t.is(response.status, 404, path)
    t.is(await response.text(), 'not found\n')
  }
})

test('other methods are 405; a file that becomes shorter while it is sent is not a complete answer', async t => {
  const { folder, get } = await site(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    const response = await get('/hello.txt', { method })
    t.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'])
    await response.text()
  }
  const path = join(folder, 'large.bin')
  writeFileSync(path, Buffer.alloc(64_000_000))
  const response = await get('/large.bin')
  truncateSync(path, 1)
  await t.throwsAsync(prompt(response.arrayBuffer(), 'body'))
  t.is(statSync(path).size, 1)
})

test('--hidden, --no-listing and --service', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, '.profile'), 'shown')
  const ticket = await serving(t, ['folder', folder, '--public', '--hidden', '--no-listing', '--service', 'dots'])
  const endpoint = await client(t)
  t.is(await textOf(endpoint.fetch(ticket, '/.profile', { service: 'dots' })), 'shown')
  t.is((await endpoint.fetch(ticket, '/', { service: 'dots' })).status, 404)
  await t.throwsAsync(endpoint.fetch(ticket, '/.profile'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
})

test('one peer cannot keep all files open', async t => {
  const { folder, get } = await site(t)
  writeFileSync(join(folder, 'large.bin'), Buffer.alloc(8_000_000))
  const open = await Promise.all(Array.from({ length: 64 }, () => get('/large.bin')))
  t.deepEqual(new Set(open.map(({ status }) => status)), new Set([200]))
  const refused = await get('/large.bin')
  t.deepEqual([refused.status, await refused.text()], [503, 'too many requests at once\n'])
  await Promise.all(open.map(response => response.body?.cancel()))
  // The server notices a little later.
  const deadline = Date.now() + 20_000
  let status = 0
  while (status !== 200 && Date.now() < deadline) {
    const response = await get('/hello.txt')
    status = response.status
    await response.text()
  }
  t.is(status, 200)
})

test('only a folder can be served, and only to named peers', async t => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'file'), '')
  for (const args of [
    ['folder', folder],
    ['folder', join(folder, 'file'), '--public'],
    ['folder', join(folder, 'no'), '--public']
  ]) {
    const { code, stderr } = await cli(args)
    t.is(code, 2, stderr)
  }
  t.is(readFileSync(join(folder, 'file')).length, 0)
})
