// The page of `status --web`, in a headless Chromium. Passes if no Chromium is installed.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { createEndpoint } from 'fastn-net'
import { Browser, chromium } from './support/chromium.js'
import { folderFor, serving } from './support/cli.js'

const test = chromium === undefined ? ava.skip : ava.serial

/** A service with a connection that carries bytes continuously. Returns the ticket of its command. */
async function busyService(t: ExecutionContext, env: Record<string, string>): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {}).pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const folder = folderFor(t)
  writeFileSync(join(folder, '<b>.txt'), 'hello')
  const services = `[services.echo]\nkind = "tcp"\ntarget = ${port}\nservice = "echo"\npublic = true\n[services.files]\nkind = "folder"\nfolder = "."\npublic = true`
  writeFileSync(join(folder, 'fastn-net.toml'), services)
  const ticket = await serving(t, ['run'], { env, cwd: folder })
  const address = await serving(t, ['tcp-bridge', ticket, '--service', 'echo'], { env })
  const client = connect(Number(address.split(':')[1]), '127.0.0.1')
  client.on('error', () => {}).resume()
  const timer = setInterval(() => client.write(Buffer.alloc(50_000)), 50)
  t.teardown(() => {
    clearInterval(timer)
    for (const socket of [client, ...sockets]) socket.destroy()
    server.close()
  })
  return ticket
}

test('the page shows running commands, in light and dark, at 360 and 1,200 pixels, and loads nothing else', async t => {
  const env = { XDG_RUNTIME_DIR: folderFor(t) }
  const ticket = await busyService(t, env)
  await using endpoint = await createEndpoint({ network: 'loopback' })
  await (await endpoint.fetch(ticket, '/%3Cb%3E.txt')).text()
  const url = await serving(t, ['status', '--web'], { env })
  const browser = await Browser.start(t)
  const colours = new Set<string>()
  for (const [width, scheme] of [
    [1200, 'light'],
    [360, 'light'],
    [1200, 'dark'],
    [360, 'dark']
  ] as const) {
    await browser.open(url, width, scheme)
    // A rate needs two snapshots.
    await browser.until(
      `/sent [\\d.]+ [kM]B\\/s/.test(document.body.innerText) && document.querySelectorAll('article').length === 2`
    )
    t.is(await browser.evaluate('location.href'), new URL('/', url).href, 'the token is not in the address')
    t.true(await browser.evaluate<boolean>('document.documentElement.scrollWidth <= innerWidth'), `${width} overflows`)
    t.is(await browser.evaluate("document.querySelectorAll('svg path').length"), 6)
    t.true(await browser.evaluate<boolean>("document.body.innerText.includes('GET /%3Cb%3E.txt')"))
    t.true(await browser.evaluate<boolean>("document.body.innerText.includes('direct')"))
    colours.add(await browser.evaluate('getComputedStyle(document.body).backgroundColor'))
  }
  t.is(colours.size, 2, 'light and dark')
  t.deepEqual(browser.problems, [])
})

test('without the token, the page says which address to open', async t => {
  const env = { XDG_RUNTIME_DIR: folderFor(t) }
  const url = await serving(t, ['status', '--web'], { env })
  const browser = await Browser.start(t)
  await browser.open(new URL('/', url).href)
  await browser.until("document.body.innerText.includes('open the address')")
  await browser.open(new URL('/#wrong', url).href)
  await browser.until("document.body.innerText.includes('wrong token')")
  // In the address bar of this tab, a new fragment alone does not reload the page.
  await browser.evaluate(`location.href = ${JSON.stringify(url)}`)
  await browser.until("document.body.innerText.includes('Nothing runs')")
  t.is(await browser.evaluate('location.href'), new URL('/', url).href)
})

test('a reload keeps the page, and no other server of this machine learns its token', async t => {
  const env = { XDG_RUNTIME_DIR: folderFor(t) }
  const url = await serving(t, ['status', '--web'], { env })
  const token = new URL(url).hash.slice(1)
  const seen: IncomingMessage[] = []
  const other = createHttpServer((request, response) => {
    seen.push(request)
    response.end()
  })
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => void other.close().closeAllConnections())
  const browser = await Browser.start(t)
  await browser.open(url)
  await browser.until("document.body.innerText.includes('Nothing runs')")
  await browser.open(new URL('/', url).href)
  await browser.until("document.body.innerText.includes('Nothing runs')")
  t.is(await browser.evaluate('document.cookie'), '')
  const { port } = other.address() as { port: number }
  for (const host of ['127.0.0.1', 'localhost']) await browser.open(`http://${host}:${port}/`)
  t.true(seen.length >= 2)
  for (const { headers, url: path } of seen) {
    t.is(headers.cookie, undefined)
    t.false(JSON.stringify([path, headers]).includes(token))
  }
  t.is(await browser.evaluate('sessionStorage.length'), 0)
})
