// curl and HTTP servers.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pattern } from '../helpers/pair.js'
import { scene } from './support/scene.js'
import { alike, tunnelled } from './support/tunnel.js'
import { http2Server, sendNextEvent, webServer } from './support/web.js'

/** Options and path of requests, by what they show. `FILE` is a file of 3 MB. */
const requests: Record<string, readonly string[]> = {
  'a small answer': ['/small'],
  'a large answer': ['/bytes'],
  'a range': ['--range', '1000000-1999999', '/bytes'],
  'an open range': ['--range', '7999999-', '/bytes'],
  'a missing page': ['/none'],
  'no body': ['/empty'],
  'many headers': ['/many-headers'],
  'a HEAD request': ['--head', '/bytes'],
  'a chunked answer with trailers': ['--raw', '/trailers'],
  'an upload': ['--data-binary', '@FILE', '/digest'],
  'a chunked upload': ['--header', 'Transfer-Encoding: chunked', '--data-binary', '@FILE', '/digest'],
  'an upload that asks first': ['--header', 'Expect: 100-continue', '--upload-file', 'FILE', '/digest'],
  'an upload that is refused': ['--header', 'Expect: 100-continue', '--upload-file', 'FILE', '/refused'],
  'a body both ways': ['--header', 'Expect:', '--data-binary', '@FILE', '/echo'],
  'several requests on a connection': ['/small', '/many-headers', '/bytes', '/small'],
  'requests at once': ['--parallel', '--parallel-immediate', ...new Array(20).fill('/small')]
}

scene('curl', ['curl'], async ({ t, folder, run }) => {
  const direct = await webServer(t)
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  const file = join(folder, 'file')
  writeFileSync(file, pattern(3_000_000))
  for (const [what, args] of Object.entries(requests)) {
    const result = await alike(
      t,
      ports,
      async port => {
        const url = `http://127.0.0.1:${port}`
        const given = args.map(word => (word.startsWith('/') ? url + word : word.replace('FILE', file)))
        const { code, stdout } = await run('curl', ['--silent', '--include', '--max-time', '30', ...given])
        return { code, stdout }
      },
      what
    )
    t.is(result.code, 0, what)
    t.true(what === 'no body' || result.stdout.length > 0)
  }
})

scene('curl fails where an answer breaks off', ['curl'], async ({ t, run }) => {
  const direct = await webServer(t)
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  // A reset drops bytes on their way, so that only the status is alike.
  const { code } = await alike(t, ports, async port => {
    const { code } = await run('curl', ['--silent', '--max-time', '30', `http://127.0.0.1:${port}/broken`])
    return { code }
  })
  t.is(code, 56)
})

scene('curl over HTTP/2', ['curl'], async ({ t, folder, run }) => {
  const direct = await http2Server(t)
  const ports = { direct, tunnel: await tunnelled(t, direct) }
  const file = join(folder, 'file')
  writeFileSync(file, pattern(3_000_000))
  for (const args of [[], ['--data-binary', `@${file}`]]) {
    const { code, stdout } = await alike(t, ports, async port => {
      const { code, stdout } = await run('curl', [
        '--silent',
        '--http2-prior-knowledge',
        ...args,
        `http://127.0.0.1:${port}/`
      ])
      return { code, stdout }
    })
    t.is(code, 0)
    t.true(stdout.length >= 3_000_000)
  }
})

scene('curl shows each server-sent event before the next is sent', ['curl'], async ({ t, start }) => {
  const port = await tunnelled(t, await webServer(t))
  const { child } = start('curl', ['--silent', '--no-buffer', `http://127.0.0.1:${port}/events`])
  const seen: string[] = []
  for await (const line of createInterface(child.stdout!)) {
    if (line === '') continue
    seen.push(line)
    sendNextEvent()
  }
  t.deepEqual(seen, ['data: 1', 'data: 2', 'data: 3', 'data: 4', 'data: 5'])
})
