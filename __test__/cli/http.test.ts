// `http`, `http-bridge` and `browse`, as child processes over loopback.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import ava, { type ExecutionContext } from 'ava'
import { cli, folderFor, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** A web server of this process, which answers with the Host and path of each request. Returns its port. */
async function webServer(t: ExecutionContext): Promise<number> {
  const server = createServer((request, response) => void response.end(`${request.headers.host} ${request.url}`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function ask(port: number | string, host: string, path = '/'): Promise<string> {
  const sent = get({ host: '127.0.0.1', port, path, headers: { host }, agent: false })
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return `${response.statusCode} ${await text(response)}`
}

test('a bridge reaches peers by their ID52 and by aliases', async t => {
  const server = await webServer(t)
  const exposed = JSON.parse(
    await serving(t, ['http', String(server), '--public', '--service', 'web', '--host-header', 'app.test', '--json'])
  )
  const file = join(folderFor(t), 'aliases')
  writeFileSync(file, `# peers\nshop ${exposed.ticket} web # the shop\n\nother\t${exposed.id52}\n`)
  const address = await serving(t, ['http-bridge', '--aliases', file])
  t.regex(address, /^127\.0\.0\.1:\d+$/)
  const port = address.split(':')[1] ?? ''
  t.is(await ask(port, 'shop.localhost', '/a?b'), '200 app.test /a?b')
  t.is(await ask(port, `web.${exposed.id52}.localhost`), '200 app.test /')
  t.regex(await ask(port, 'other.localhost'), /^502 /)
  t.regex(await ask(port, 'localhost'), /^421 /)
})

test("browse opens only the peer's site", async t => {
  const peer = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'
  for (const path of ['https://example.com/', '//example.com/', '\\\\example.com', 'file:///etc/passwd', 'http://[']) {
    const { code, stderr, lines } = await cli(['browse', peer, path, '--no-open'])
    t.deepEqual([code, lines], [2, []], path)
    t.regex(stderr, /PATH must be a path/)
  }
  t.is((await cli(['browse', `kulfi://${peer}//example.com`, '--no-open'])).code, 2)
})

test('browse prints a URL that reaches the peer', async t => {
  const ticket = await serving(t, ['http', `http://127.0.0.1:${await webServer(t)}`, '--public'])
  const url = new URL(await serving(t, ['browse', ticket, '/docs?x=1', '--no-open']))
  t.is(url.hostname, 'localhost')
  t.is(await ask(url.port, url.host, url.pathname + url.search), `200 ${url.host} /docs?x=1`)
})

test('errors name invalid arguments of http-bridge and browse', async t => {
  const file = join(folderFor(t), 'aliases')
  writeFileSync(file, 'shop a b c\n')
  const wrong = [
    [['http', '3000'], /--allow|--public/],
    [['http', 'http://localhost/path', '--public'], /without a path/],
    [['http-bridge', '80', '--unix', 'x'], /--unix/],
    [['http-bridge', '--service', 'web'], /--peer/],
    [['http-bridge', '--alias', 'shop'], /--alias shop/],
    [['http-bridge', '--aliases', file], /aliases:1: write NAME PEER/],
    [['http-bridge', '--aliases', `${file}.none`], /ENOENT/]
  ] as const
  for (const [args, message] of wrong) {
    const { code, stderr } = await cli(args)
    t.is(code, 2, `${args.join(' ')}: ${stderr}`)
    t.regex(stderr, message)
  }
})
