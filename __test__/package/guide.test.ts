import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createEndpoint } from 'fastn-net'
import { freePort } from '../helpers/free-port.js'
import { type Outcome, type RunningExample, runExample, runScript, startExample } from './support/example.js'

const folder = mkdtempSync(join(tmpdir(), 'fastn-net-'))
test.after.always(() => rmSync(folder, { recursive: true, force: true }))
const keyFile = () => join(mkdtempSync(join(folder, 'keys-')), 'my.key')
const id52 = '[0-9a-v]{51}[0g]'

/** Checks that the program succeeded and wrote nothing to stderr. Returns its lines. */
function linesOf(t: ExecutionContext, { status, stdout, stderr }: Outcome): string[] {
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' }, stdout + stderr)
  return stdout.trimEnd().split('\n')
}

/** Starts an example that prints its ticket, and ends it after `use`. */
async function withServer(server: RunningExample, use: (ticket: string) => Promise<void>): Promise<void> {
  try {
    await use(await server.nextLine())
  } finally {
    server.process.kill('SIGKILL')
  }
}

test('identity: the second start loads the key of the first', t => {
  const key = keyFile()
  const [first] = linesOf(t, runExample('guide/identity', key))
  t.regex(first ?? '', new RegExp(`^${id52}$`))
  t.deepEqual(linesOf(t, runExample('guide/identity', key)), [first])
})

test('identity: a signature is verified', t => {
  t.deepEqual(linesOf(t, runExample('guide/sign')), ['true'])
})

test('protocols: lines, versions, a fallback, and 200 streams at once', t => {
  t.deepEqual(linesOf(t, runExample('guide/protocols')), [
    'ONE',
    'TWO',
    'hello from version 2',
    'nothing here for "Weather"',
    '200 { bytes: 199 }'
  ])
})

test('access: a policy allows, refuses, explains and is replaced', t => {
  const lines = linesOf(t, runExample('guide/policy'))
  t.deepEqual(lines.slice(0, 3), ['hello', 'ERR_UNAUTHORIZED', '1'])
  t.regex(lines.slice(3).join(' '), /effect: 'deny'.*by: 'otherwise'/)
})

test('rig: a program with services and a protocol of its own', t => {
  t.deepEqual(linesOf(t, runExample('guide/rig')), ['hello rig', "[ 'web http' ]", '0'])
})

test('router: hosts for a handler, a folder, a server and a peer, and another table', t => {
  t.deepEqual(linesOf(t, runExample('guide/router')), [
    'hello from blog.localhost',
    '<h1>photos</h1>',
    'access: local',
    'alice serves 52 characters',
    'access: remote',
    'moved from wiki.localhost',
    '421 Misdirected Request'
  ])
})

test('accounts: an invitation, an explanation, a device, and an end', t => {
  const path = join(mkdtempSync(join(folder, 'account-')), 'account.json')
  t.deepEqual(linesOf(t, runExample('guide/accounts', path)), [
    'hello, alice',
    'alice: at most 10/s, by rule 1 for friends',
    'alice: deny, because no rule matches',
    'hello, device of alice',
    'ERR_UNAUTHORIZED'
  ])
})

test('requests: a result, an error, cancellation, many at once, items and a service', t => {
  const lines = linesOf(t, runExample('guide/requests'))
  t.deepEqual(lines.slice(0, 2), ['Hello Ada, you are 52 characters', 'not enough money { balance: 100 }'])
  t.deepEqual(lines.slice(2, 4).sort(), ['TimeoutError', 'the server stops too'])
  t.deepEqual(lines.slice(4), ['200 39601', '3', '2', '1', '{ id: 1 }', "[ 'write the guide' ]", "[ 'title' ]"])
})

test('http: fetch and node:http reach the handlers of a peer', t => {
  const lines = ['200 hello, peer of 52 characters', 'echo', '404', 'GET /items']
  t.deepEqual(linesOf(t, runExample('guide/http')), lines)
})

test('tunnels: a client of a bridge reaches the exposed program', t => {
  const lines = linesOf(t, runExample('guide/tunnels')).map(line => line.replace(/:\d+/g, ':PORT'))
  t.deepEqual(lines, [
    'the time is now',
    '',
    'the port is in use',
    '/hello for client',
    '',
    'curl --proxy socks5h://127.0.0.1:PORT http://localhost:PORT',
    '0 null null true'
  ])
})

test('errors: a client continues after its server was killed and restarted', async t => {
  const args = [keyFile(), String(await freePort())]
  const first = startExample('guide/reconnect-server', args)
  await withServer(first, async ticket => {
    const client = startExample('guide/reconnect-client', [ticket])
    try {
      for (let count = 1; count <= 3; count++) t.is(await client.nextLine(), String(count))
      await first.end('SIGKILL')
      await withServer(startExample('guide/reconnect-server', args), async again => {
        t.is(again, ticket)
        for (let count = 4; count <= 20; count++) t.is(await client.nextLine(), String(count))
      })
    } finally {
      client.process.kill('SIGKILL')
    }
  })
})

test('streams: texts, chunks, lines, web streams, and a caller that leaves', t => {
  const lines = linesOf(t, runExample('guide/streams'))
  // A caller that disconnects resets its half and stops the other; either may arrive first.
  t.regex(lines.pop() ?? '', /^stopped: ERR_STREAM_(RESET|STOPPED)$/)
  t.deepEqual(lines, ['hello', '23', '6', '30', 'web streams', 'TimeoutError'])
})

test('streams: a file arrives whole, with progress', t => {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')]
  const bytes = randomBytes(200_000)
  writeFileSync(from, bytes)
  const lines = linesOf(t, runExample('guide/file', from, to))
  t.deepEqual(lines.slice(-2), ['200000 of 200000', 'saved 200000 bytes'])
  t.true(readFileSync(to).equals(bytes))
})

test('streams: HTTP and gzip over a Duplex', t => {
  t.deepEqual(linesOf(t, runExample('guide/duplex')), ['you asked for /items', 'hello gzip'])
})

test('programs: an aborted request also stops the server', t => {
  t.deepEqual(linesOf(t, runExample('guide/abort')).sort(), ['TimeoutError', 'the server stops too'])
})

test('programs: 200 requests at once', t => {
  t.deepEqual(linesOf(t, runExample('guide/parallel')), ['200 39601'])
})

for (const [title, end] of [
  ['the end of input', async (_, caller) => await caller.endInput()],
  ["the caller's Ctrl-C", async (_, caller) => await caller.end('SIGINT')],
  ["the other side's end of input", async (server, caller) => [void server.endInput(), await caller.exit]],
  ["the other side's Ctrl-C", async (server, caller) => [void server.end('SIGINT'), await caller.exit]]
] satisfies [string, (server: RunningExample, caller: RunningExample) => Promise<unknown>][]) {
  test(`streams: a chat and both programs end at ${title}`, async t => {
    if (process.platform === 'win32') return void t.pass()
    const server = startExample('guide/chat')
    await withServer(server, async ticket => {
      const caller = startExample('guide/chat', [ticket])
      caller.writeLine('hello')
      t.is(await server.nextLine(), 'hello')
      server.writeLine('hello yourself')
      t.is(await caller.nextLine(), 'hello yourself')
      await end(server, caller)
      t.deepEqual(await caller.exit, [0, null])
      t.deepEqual(await server.exit, [0, null])
    })
  })
}

test('errors: a result, a failed handler, a deadline and a missing protocol', t => {
  const lines = linesOf(t, runExample('guide/errors'))
  t.is(lines[0], '2')
  t.deepEqual(lines.slice(1, 3).sort(), [
    'handler failed: Divide Error: division by zero',
    "the peer's handler failed with code 258"
  ])
  t.regex(lines[3] ?? '', /^TimeoutError: /)
  t.regex(lines[4] ?? '', /Multiply/)
})

test('shutdown: Ctrl-C lets a running handler finish', async t => {
  if (process.platform === 'win32') return void t.pass()
  const server = startExample('guide/ctrl-c')
  await withServer(server, async ticket => {
    await using client = await createEndpoint({ network: 'loopback' })
    const answer = client.call(ticket, 'work')
    t.is(await server.nextLine(), 'started')
    const ended = server.end('SIGINT')
    t.is(await answer, 'done')
    t.deepEqual(await ended, [0, null])
  })
})

test('shutdown: Ctrl-C also ends other work, and the program prints a report', async t => {
  if (process.platform === 'win32') return void t.pass()
  const server = startExample('guide/shutdown')
  await withServer(server, async ticket => {
    const asking = startExample('guide/ask', [ticket, 'Work', keyFile()])
    t.is(await asking.nextLine(), 'started')
    const ended = server.end('SIGINT')
    t.is(await asking.nextLine(), 'done')
    t.is(await server.nextLine(), 'poller ended')
    t.is(await server.nextLine(), 'all work done')
    t.deepEqual(await ended, [0, null])
  })
})

test('access: a server for one peer serves no other', async t => {
  const key = keyFile()
  const [friend = ''] = linesOf(t, runExample('guide/identity', key))
  await withServer(startExample('guide/one-peer', [friend]), async ticket => {
    t.deepEqual(linesOf(t, runExample('guide/ask', ticket, 'Greet', key)), [`hello ${friend}`])
    t.regex(runExample('guide/ask', ticket, 'Greet', keyFile()).stderr, /ERR_UNAUTHORIZED/)
  })
})

test('access: a friend is served, another peer is not', async t => {
  const key = keyFile()
  const [friend = ''] = linesOf(t, runExample('guide/identity', key))
  await withServer(startExample('guide/access', [friend]), async ticket => {
    t.deepEqual(linesOf(t, runExample('guide/ask', ticket, 'Http', key)), [`hello ${friend}`])
    t.regex(runExample('guide/ask', ticket, 'Http', keyFile()).stderr, /ERR_UNAUTHORIZED/)
  })
})

test('networks: an endpoint with its own relay and DNS server', t => {
  const lines = linesOf(t, runExample('guide/networks', 'https://127.0.0.1:1', 'peers.test', '127.0.0.1:1'))
  t.regex(lines.join('\n'), new RegExp(`id52: '${id52}'`))
})

test('networks: two endpoints on loopback', t => {
  const lines = linesOf(t, runExample('guide/loopback'))
  t.is(lines[0], 'hello')
  t.regex(lines.join('\n'), /address: '127\.0\.0\.1:\d+',\n +relay: false,\n +rtt: [\d.]+,\n +selected: true/)
})

test('networks: a watcher sees its peer connect and disconnect', async t => {
  await withServer(startExample('receiver'), async ticket => {
    const { status, stdout, stderr } = runExample('guide/watch', ticket)
    t.is(status, 0, stderr)
    t.regex(stdout, new RegExp(`^${id52} connected direct 127\\.0\\.0\\.1:\\d+ `, 'm'))
    t.regex(stdout, /^fastn_net_connections\{direction="dialled"\} 1$/m)
    t.regex(stdout, new RegExp(`^${id52} gone `, 'm'))
  })
})

test('networks: a kept peer is connected', async t => {
  await withServer(startExample('receiver'), async ticket => {
    const keeping = startExample('guide/keep', [ticket])
    try {
      while (!(await keeping.nextLine()).startsWith('connected')) {}
    } finally {
      keeping.process.kill('SIGKILL')
    }
    t.pass()
  })
})

test('networks: a program with a long-lived stream learns of its end, and Ctrl-C ends both', async t => {
  const server = startExample('guide/long-stream-server')
  const client = startExample('guide/long-stream', [await server.nextLine()])
  t.is(await client.nextLine(), 'connected')
  t.is(await server.nextLine(), 'message 1')
  t.deepEqual(await server.end('SIGINT'), [0, null])
  t.regex(await client.nextLine(), /^ERR_(STREAM_|CONNECTION_LOST)/)
  t.deepEqual(await client.end('SIGINT'), [0, null])
})

test('observability: the logger prints records, and the tracer times streams', async t => {
  await withServer(startExample('receiver'), async ticket => {
    const logged = runScript('--import', './dist-examples/logger.js', 'dist-examples/sender.js', ticket)
    t.regex(logged.stderr, /^info fastn_net::endpoint bound \{/m)
    const traced = runScript('--import', './dist-examples/diagnostics.js', 'dist-examples/sender.js', ticket)
    t.regex(traced.stderr, new RegExp(`^out Greet ${id52} [\\d.]+ ms$`, 'm'))
  })
})

test('production: serves requests and metrics, and ends at SIGTERM', async t => {
  if (process.platform === 'win32') return void t.pass()
  const server = startExample('guide/production', [], { KEY_FILE: keyFile(), METRICS_PORT: '0' })
  await withServer(server, async ticket => {
    const port = (await server.nextLine()).replace('metrics on port ', '')
    t.deepEqual(linesOf(t, runExample('sender', ticket)), ['hello Ada'])
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    t.regex(metrics, /^fastn_net_streams_accepted_total 1$/m)
    t.deepEqual(await server.end('SIGTERM'), [0, null])
  })
})

test('testing: the tests of the greeter pass', t => {
  const { status, stdout, stderr } = runScript('dist-examples/guide/greeter.test.js')
  t.is(status, 0, stdout + stderr)
})

test('migration: connections by hand, as with @number0/iroh', t => {
  t.deepEqual(linesOf(t, runExample('guide/from-iroh')), ['hello'])
})

test('migration: sockets, as with hyperswarm', t => {
  t.deepEqual(linesOf(t, runExample('guide/from-hyperswarm')), ['you said hello'])
})
