// Chromium, through http-bridge and through the SOCKS proxy.
import { Browser } from '../cli/support/chromium.js'
import { scene } from './support/scene.js'
import { site } from './support/site.js'
import { serving } from './support/tunnel.js'

/** Opens a page, and returns the result of its script. */
async function seen(browser: Browser, url: string): Promise<unknown> {
  await browser.open(url)
  await browser.until('window.result !== undefined')
  return await browser.evaluate('window.result')
}

scene('Chromium through http-bridge', ['chromium'], async ({ t }) => {
  const sites = [await site(t, 'one'), await site(t, 'two')] as const
  const [one, two] = await Promise.all(
    sites.map(async ({ port }) => JSON.parse(await serving(t, ['http', String(port), '--public', '--json'])))
  )
  // The bridge learns the peers' addresses from the tickets: this network has no look-up.
  const aliases = ['--alias', `first=${one.ticket}`, '--alias', `second=${two.ticket}`]
  const [, port] = (await serving(t, ['http-bridge', ...aliases])).split(':')
  const browser = await Browser.start(t)
  const direct = await seen(browser, `http://127.0.0.1:${sites[0].port}/`)
  t.like(direct, { width: 123, same: true, events: ['1', '2', '3'], socket: ['Grüße', 300_000, 4000, 'done', true] })
  const hosts = [`${one.id52}.localhost`, `${two.id52}.localhost`, 'first.localhost']
  for (const host of hosts) t.deepEqual(await seen(browser, `http://${host}:${port}/`), direct, host)
  t.deepEqual(browser.problems, [])

  // Each peer's page is a separate origin, with separate cookies.
  for (const [at, names] of [
    [0, ['one']],
    [1, ['two']]
  ] as const) {
    const before = sites[at].cookies.length
    await browser.open(`http://${hosts[at]}:${port}/`)
    await browser.until('window.result !== undefined')
    for (const cookie of sites[at].cookies.slice(before))
      t.deepEqual(
        cookie?.split('; '),
        names.map(name => `${name}=1`)
      )
  }
  t.is(await browser.evaluate('document.cookie'), '', 'HttpOnly stays')
  const foreign = `fetch('http://${hosts[0]}:${port}/echo', { method: 'POST' }).then(() => 'read', () => 'refused')`
  t.is(await browser.evaluate(foreign), 'refused')
})

scene('Chromium through SOCKS', ['chromium'], async ({ t }) => {
  const { port } = await site(t, 'one')
  const ticket = await serving(t, ['proxy-remote', '--target', `127.0.0.1:${port}`, '--public'])
  const address = await serving(t, ['socks5', ticket])
  const proxied = await Browser.start(t, [`--proxy-server=socks5://${address}`, '--proxy-bypass-list=<-loopback>'])
  const plain = await Browser.start(t)
  const url = `http://127.0.0.1:${port}/`
  const direct = await seen(plain, url)
  t.deepEqual(await seen(proxied, url), direct)
  t.like(direct, { width: 123, same: true })
  // Destinations that the peer does not allow are not reached.
  const other = await site(t, 'other')
  const refused = `fetch('http://127.0.0.1:${other.port}/', { mode: 'no-cors' }).then(() => 'reached', () => 'refused')`
  t.is(await plain.evaluate(refused), 'reached')
  t.is(await proxied.evaluate(refused), 'refused')
})
