import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { createEndpoint } from 'fastn-net'
import { createRouter } from 'fastn-net/router'
import { Hono } from 'hono'

await using endpoint = await createEndpoint({ network: 'loopback' })
await using phone = await createEndpoint({ network: 'loopback' })
const alice = await createEndpoint({ network: 'loopback' })
alice.serveHttp(request => new Response(`alice serves ${request.headers.get('fastn-peer')?.length} characters`))
const web = createServer((asked, answer) => answer.end(`access: ${asked.headers['fastn-access']}`)).listen(
  0,
  '127.0.0.1'
)
await new Promise(resolve => web.once('listening', resolve))
const wikiPort = (web.address() as AddressInfo).port
const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
writeFileSync(join(folder, 'index.html'), '<h1>photos</h1>')

// #region start
const blog = new Hono().get('/', c => c.text(`hello from ${new URL(c.req.url).hostname}`))

await using router = await createRouter({
  endpoint,
  port: Number(process.env.PORT ?? 0),
  hosts: {
    blog,
    photos: { folder, allow: 'public' },
    wiki: { backend: wikiPort, allow: [phone.publicKey] },
    alice: { peer: alice.address() }
  }
})
// #endregion

// A browser resolves names below localhost. Not every program does.
const open = (name: string) =>
  new Promise<string>((resolve, reject) => {
    const headers = { host: new URL(router.urlOf(name)).host }
    const asked = request({ host: '127.0.0.1', port: router.port, headers, agent: false })
    asked.once('response', answer => text(answer).then(resolve, reject)).once('error', reject)
    asked.end()
  })

console.log(await open('blog'))
console.log(await open('photos'))
console.log(await open('wiki'))
console.log(await open('alice'))

// #region peer
const ticket = await endpoint.ticket()
const response = await phone.fetch(ticket, '/', { service: 'wiki' })
console.log(await response.text())
// #endregion

// #region update
await router.update({
  hosts: { blog, wiki: request => new Response(`moved from ${request.url.split('/')[2]?.split(':')[0]}`) }
})
console.log(await open('wiki'))
// #endregion
console.log((await open('photos')).split(':')[0])

web.close()
await alice.close()
rmSync(folder, { recursive: true })
