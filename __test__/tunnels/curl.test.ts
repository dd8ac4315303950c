// curl and HTTP servers, through each kind of tunnel.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createCertificate } from '../../dist/modules/rig/certificate.js'
import { pair, pattern } from '../helpers/pair.js'
import { alikeOn, curlOptions, isHttp, type Route, routed, routeKinds, urlOf } from './support/route.js'
import { scene } from './support/scene.js'
import { http2Server, secureServer, sendNext, webServer } from './support/web.js'

const refused = 'an upload that is refused'

/** Options and path of requests, by subject. `FILE` is a file of 3 MB. */
const requests: Record<string, readonly string[]> = {
  'a small answer': ['/small'],
  'a large answer': ['/bytes'],
  'a range': ['--range', '1000000-1999999', '/bytes'],
  'an open range': ['--range', '7999999-', '/bytes'],
  'a missing page': ['/none'],
  'no body': ['/empty'],
  'many headers': ['/many-headers'],
  'a HEAD request': ['--head', '/bytes'],
  'a chunked answer with trailers': ['--header', 'TE: trailers', '/trailers'],
  'an upload': ['--data-binary', '@FILE', '/digest'],
  'a chunked upload': ['--header', 'Transfer-Encoding: chunked', '--data-binary', '@FILE', '/digest'],
  'an upload that asks first': ['--header', 'Expect: 100-continue', '--upload-file', 'FILE', '/digest'],
  [refused]: ['--header', 'Expect: 100-continue', '--upload-file', 'FILE', '/refused'],
  'a body both ways': ['--header', 'Expect:', '--data-binary', '@FILE', '/echo'],
  'several requests on a connection': ['/small', '/many-headers', '/bytes', '/small'],
  'requests at once': ['--parallel', '--parallel-immediate', ...new Array(20).fill('/small')]
}

for (const kind of routeKinds) {
  scene(`curl, ${kind}`, ['curl'], async ({ t, folder, run }) => {
    const direct = await webServer(t)
    const route = await routed(t, kind, direct)
    const file = join(folder, 'file')
    writeFileSync(file, pattern(3_000_000))
    const ask = async (via: Route, args: readonly string[]) => {
      const given = args.map(word => (word.startsWith('/') ? urlOf(via, word) : word.replace('FILE', file)))
      const options = ['--silent', '--include', '--max-time', '30', ...curlOptions(via)]
      const { code, stdout } = await run('curl', [...options, ...given])
      return { code, stdout }
    }
    // The server wants this connection closed. If the client's connection is a different one, which stays open, curl asks again.
    const comparable = (stdout: Buffer, what: string) => {
      const text = isHttp(route) ? endToEnd(stdout) : stdout
      return what === refused ? text.subarray(text.lastIndexOf('HTTP/1.1')) : text
    }
    for (const [what, args] of Object.entries(requests)) {
      const use = async (via: Route) => {
        const { code, stdout } = await ask(via, args)
        return { code, stdout: comparable(stdout, what) }
      }
      const result = await alikeOn(t, route, direct, use, what)
      t.is(result.code, 0, what)
      t.true(what === 'no body' || result.stdout.length > 0)
    }
  })

  scene(`curl fails where an answer breaks off, ${kind}`, ['curl'], async ({ t, start }) => {
    const direct = await webServer(t)
    const route = await routed(t, kind, direct)
    // A reset drops bytes in transit: break the answer off once its head and some of its body have arrived.
    const { code } = await alikeOn(t, route, direct, async via => {
      const options = ['--silent', '--no-buffer', '--max-time', '30', ...curlOptions(via)]
      const { child } = start('curl', [...options, urlOf(via, '/broken')])
      const closed = once(child, 'close')
      child.stdout?.once('data', sendNext)
      const [code] = await closed
      return { code: code as number }
    })
    t.is(code, 56)
  })

  scene(`curl shows each server-sent event before the next is sent, ${kind}`, ['curl'], async ({ t, start }) => {
    const route = await routed(t, kind, await webServer(t))
    const { child } = start('curl', ['--silent', '--no-buffer', ...curlOptions(route), urlOf(route, '/events')])
    const seen: string[] = []
    for await (const line of createInterface(child.stdout!)) {
      if (line === '') continue
      seen.push(line)
      sendNext()
    }
    t.deepEqual(seen, ['data: 1', 'data: 2', 'data: 3', 'data: 4', 'data: 5'])
  })
}

// Without TLS, HTTP/2 needs a tunnel of bytes.
for (const kind of ['tcp', 'connect', 'socks5'] as const) {
  scene(`curl over HTTP/2, ${kind}`, ['curl'], async ({ t, folder, run }) => {
    const direct = await http2Server(t)
    const route = await routed(t, kind, direct)
    const file = join(folder, 'file')
    writeFileSync(file, pattern(3_000_000))
    for (const args of [[], ['--data-binary', `@${file}`]]) {
      const { code, stdout } = await alikeOn(t, route, direct, async via => {
        const options = ['--silent', '--http2-prior-knowledge', ...curlOptions(via)]
        const { code, stdout } = await run('curl', [...options, ...args, urlOf(via, '/')])
        return { code, stdout }
      })
      t.is(code, 0)
      t.true(stdout.length >= 3_000_000)
    }
  })
}

// The tunnel's HTTP client speaks HTTP/2 to the server, whatever its own client speaks.
scene('curl to a server with TLS and HTTP/2, http', ['curl'], async ({ t, folder, run }) => {
  const certificate = createCertificate(new Date())
  const { port, use } = await secureServer(t, certificate)
  const [file, trusted] = [join(folder, 'file'), join(folder, 'trusted.pem')]
  writeFileSync(file, pattern(3_000_000))
  writeFileSync(trusted, certificate.cert)
  await using ends = await pair()
  const { client, server } = ends
  await server.exposeHttp(`https://localhost:${port}`, { allow: [client.id52], certificates: certificate.cert })
  const bridge = await client.bridgeHttp({ peer: server.address() })
  const urls = { direct: `https://localhost:${port}/`, tunnel: `http://127.0.0.1:${bridge.port}/` }
  const connected = { direct: 0, tunnel: 0 }
  for (const [what, args] of Object.entries({
    download: [],
    upload: ['--data-binary', `@${file}`],
    'chunked upload': ['--header', 'Transfer-Encoding: chunked', '--data-binary', `@${file}`],
    'requests at once': ['--parallel', '--parallel-immediate']
  })) {
    const ask = async (via: 'direct' | 'tunnel') => {
      const before = use.connections
      const all = what === 'requests at once' ? Array.from({ length: 8 }, (_, at) => `${urls[via]}?${at}`) : [urls[via]]
      const { code, stdout } = await run('curl', ['--silent', '--http2', '--cacert', trusted, ...args, ...all])
      connected[via] += use.connections - before
      // Concurrent answers are mixed.
      const digest = all.length > 1 ? '' : createHash('sha256').update(stdout).digest('hex')
      return { code, length: stdout.length, digest }
    }
    const direct = await ask('direct')
    t.is(direct.code, 0, what)
    t.true(direct.length >= 3_000_000, what)
    t.deepEqual([...use.versions], ['2.0'], what)
    t.deepEqual(await ask('tunnel'), direct, what)
    t.deepEqual([...use.versions], ['2.0'], what)
  }
  // All requests share one connection of the tunnel, even concurrent ones.
  t.is(connected.tunnel, 1)
  const { stdout } = await run('curl', ['--silent', '--head', urls.tunnel])
  t.true(stdout.toString().includes(`x-authority: localhost:${port}`))
})

/**
 * Answers without the date and the headers of one connection, and with the other headers in order: a program that forwards a message may
 * change both, and adds a missing date (RFC 9110, section 6.6.1).
 */
function endToEnd(answers: Buffer): Buffer {
  const text = answers.toString('latin1').replace(/HTTP\/1\.1 \d{3}[\s\S]*?\r\n\r\n/g, head => {
    const [status, ...headers] = head.trim().split('\r\n')
    const kept = headers.filter(line => !/^(?:connection|keep-alive|transfer-encoding|date):/i.test(line))
    const sorted = kept.map(line => line.replace(/^[^:]+/, name => name.toLowerCase())).sort()
    return `${[status, ...sorted].join('\n')}\n\n`
  })
  return Buffer.from(text, 'latin1')
}
