// `run` applies a changed file while its services carry connections.
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import ava, { type ExecutionContext } from 'ava'
import { pattern } from '../helpers/pair.js'
import { Cli, cli, folderFor } from './support/cli.js'
import { bridge, type Runner, running, say, server, serverOf, tcp } from './support/run.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const part = pattern(8_000_000)

/** Sends half of a download, and the rest when `go` resolves. */
async function downloads(t: ExecutionContext, go: Promise<void>): Promise<number> {
  return await serverOf(t, socket => {
    socket.write(part)
    void go.then(() => socket.end(part))
  })
}

const whole = createHash('sha256').update(part).update(part).digest('hex')

/** Downloads through a local port. Resolves with the first bytes, with a function that waits for the last one. */
async function download(target: number | string): Promise<() => Promise<string>> {
  const socket = connectTo(target)
  const hash: Hash = createHash('sha256')
  const first = once(socket, 'data')
  socket.on('data', data => hash.update(data))
  const ended = once(socket, 'end')
  await first
  return async () => {
    await ended
    return hash.digest('hex')
  }
}

function connectTo(target: number | string): Socket {
  return typeof target === 'number' ? connect(target, '127.0.0.1') : connect(target)
}

/** Unlike `once`, it does not reject for a reset. */
async function closeOf(socket: Socket): Promise<void> {
  await new Promise<void>(resolve => socket.once('close', () => resolve()))
}

async function greet(port: number | string): Promise<string> {
  const socket = connectTo(port)
  try {
    return await say(socket, 'hello')
  } finally {
    socket.destroy()
  }
}

async function get(url: string, agent?: Agent): Promise<IncomingMessage> {
  const asked = request(url, { agent }).end()
  const [response] = await once(asked, 'response')
  // A reset during the download is an error of both sockets.
  asked.on('error', () => {})
  return response
}

async function statusOf(url: string, agent: Agent): Promise<number | undefined> {
  const response = await get(url, agent)
  await once(response.resume(), 'end')
  return response.statusCode
}

async function portOf({ program }: Runner, name: string): Promise<number> {
  return Number((await program.event('service', event => event.name === name)).port)
}

test('downloads through unchanged and changed services continue, and new clients get the new services', async t => {
  let go = () => {}
  const gone = new Promise<void>(resolve => {
    go = resolve
  })
  const [slow, two] = [await downloads(t, gone), await server(t, 'two')]
  const exposed = await running(t, `${tcp('kept', slow)}${tcp('changed', slow)}${tcp('two', two)}`)
  const bridges = await running(t, `${bridge(exposed.ticket, 'kept')}${bridge(exposed.ticket, 'changed')}`)
  const [kept, changed] = [await portOf(bridges, 'kept'), await portOf(bridges, 'changed')]
  const ends = [await download(kept), await download(changed)]

  writeFileSync(exposed.file, `${tcp('kept', slow)}${tcp('changed', two)}${tcp('two', two)}`)
  t.like(await exposed.program.event('reloaded'), { started: ['changed'], stopped: [], kept: 2 })
  t.is(await greet(changed), 'two: hello')

  // The bridge takes over the port of the old one.
  const other = bridge(exposed.ticket, 'two', kept).replace('[services.two]', '[services.kept]')
  writeFileSync(bridges.file, `${other}${bridge(exposed.ticket, 'changed')}`)
  t.like(await bridges.program.event('reloaded'), { started: ['kept'], stopped: [], kept: 1 })
  t.is(await greet(kept), 'two: hello')

  go()
  for (const end of ends) t.is(await end(), whole)
})

test('a reload that fails half way keeps services and their connections', async t => {
  const [one, two, busy] = [await server(t, 'one'), await server(t, 'two'), await server(t, 'busy')]
  const exposed = await running(t, `${tcp('one', one)}${tcp('two', two)}`)
  const bridges = await running(t, bridge(exposed.ticket, 'one'))
  const port = await portOf(bridges, 'one')
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  t.is(await say(socket, '1'), 'one: 1')
  const changed = bridge(exposed.ticket, 'two', port).replace('[services.two]', '[services.one]')
  // On Linux, the conflict is found only after the old service has released its port.
  const other = createServer().listen(port, process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1')
  t.teardown(() => void other.close())
  for (const wrong of [
    `${changed}${bridge(exposed.ticket, 'taken', busy)}`,
    `${changed}host = "192.0.2.1"\n`,
    `${changed}host = "127.0.0.2"\n`,
    `${changed}[services.exposed]\nkind = "folder"\nfolder = "no-such-folder"\npublic = true\n`
  ]) {
    writeFileSync(bridges.file, wrong)
    const { code, message } = await bridges.program.event('reload-failed')
    t.regex(String(code), /ERR_LISTEN|ERR_CONFIG/)
    t.regex(String(message), /cannot start '(?:taken|one|exposed)'/)
    // Longer than a removed service keeps its connections.
    await new Promise(resolve => setTimeout(resolve, 1_500))
    t.is(await say(socket, '2'), 'one: 2')
    t.is(await greet(port), 'one: hello')
  }
  socket.destroy()
})

test('a file that could not be applied is applied when it is saved again', async t => {
  const [one, port] = [await server(t, 'one'), await server(t, 'busy')]
  const exposed = await running(t, tcp('one', one))
  const wanted = `${tcp('one', one)}${bridge('i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60', 'here', port)}`
  writeFileSync(exposed.file, wanted)
  t.is((await exposed.program.event('reload-failed')).code, 'ERR_LISTEN')
  // The same text: only its time changes.
  utimesSync(exposed.file, new Date(), new Date(Date.now() + 5_000))
  t.is((await exposed.program.event('reload-failed')).code, 'ERR_LISTEN')
})

test('connections of peers that lose access end soon, and Ctrl-C ends the rest of old services', async t => {
  const [one, two] = [await server(t, 'one'), await server(t, 'two')]
  const exposed = await running(t, `${tcp('narrow', one)}${tcp('wide', one)}`)
  const bridges = await running(t, `${bridge(exposed.ticket, 'narrow')}${bridge(exposed.ticket, 'wide')}`)
  const sockets = [await portOf(bridges, 'narrow'), await portOf(bridges, 'wide')].map(port =>
    connect(port, '127.0.0.1')
  )
  const [narrow, wide] = sockets as [Socket, Socket]
  for (const socket of sockets) {
    socket.on('error', () => {})
    t.is(await say(socket, '1'), 'one: 1')
  }
  const ended = closeOf(narrow)
  const allow = 'allow = ["i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60"]'
  writeFileSync(exposed.file, `${tcp('narrow', one, allow)}${tcp('wide', two)}`)
  t.like(await exposed.program.event('reloaded'), { started: ['narrow', 'wide'] })
  await ended
  t.is(await say(wide, '2'), 'one: 2')
  const closed = closeOf(wide)
  exposed.program.kill('SIGINT')
  t.is((await exposed.program.ended).code, 130)
  if (!wide.closed) await closed
})

test('a folder for fewer peers ends their downloads, and answers no other peer', async t => {
  const folder = folderFor(t)
  // More bytes than QUIC's windows hold.
  writeFileSync(join(folder, 'large.bin'), part)
  truncateSync(join(folder, 'large.bin'), 500_000_000)
  const [file, other] = ['public = true', 'allow = ["i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60"]'].map(
    access => `[services.site]\nkind = "folder"\nfolder = ${JSON.stringify(folder)}\n${access}\n`
  ) as [string, string]
  // Keeps every peer connected.
  const echo = tcp('echo', 1)
  const exposed = await running(t, `${file}${echo}`)
  const bridge = new Cli(['http-bridge', '--peer', exposed.ticket, '--json'])
  t.teardown(() => bridge.kill('SIGKILL'))
  const url = `http://127.0.0.1:${(await bridge.event('ready')).port}/`
  const agent = new Agent({ keepAlive: true })
  t.teardown(() => agent.destroy())
  t.is(await statusOf(url, agent), 200)
  const response = await get(`${url}large.bin`)
  const ended = once(response, 'error')
  writeFileSync(exposed.file, `${other}${echo}`)
  t.like(await exposed.program.event('reloaded'), { started: ['site'], kept: 1 })
  t.is(await statusOf(url, agent), 403)
  response.resume()
  t.is((await ended)[0].code, 'ECONNRESET')
})

if (process.platform !== 'win32') {
  test('a service takes over the Unix socket of another', async t => {
    const [one, two] = [await server(t, 'one'), await server(t, 'two')]
    const exposed = await running(t, `${tcp('one', one)}${tcp('two', two)}`)
    const path = join(folderFor(t), 'socket')
    const unix = (service: string) =>
      `[services.here]\nkind = "tcp-bridge"\npeer = "${exposed.ticket}"\nservice = "${service}"\nunix = "${path}"\n`
    const bridges = await running(t, unix('one'))
    t.is(await greet(path), 'one: hello')
    for (const name of ['two', 'one', 'two']) {
      writeFileSync(bridges.file, unix(name))
      await bridges.program.event('reloaded')
      t.is(await greet(path), `${name}: hello`)
    }
  })
}

test('two services swap their ports', async t => {
  const [one, two] = [await server(t, 'one'), await server(t, 'two')]
  const exposed = await running(t, `${tcp('one', one)}${tcp('two', two)}`)
  const bridges = await running(t, `${bridge(exposed.ticket, 'one')}${bridge(exposed.ticket, 'two')}`)
  const [first, second] = [await portOf(bridges, 'one'), await portOf(bridges, 'two')]
  writeFileSync(bridges.file, `${bridge(exposed.ticket, 'one', second)}${bridge(exposed.ticket, 'two', first)}`)
  t.like(await bridges.program.event('reloaded'), { started: ['one', 'two'] })
  t.deepEqual([await greet(first), await greet(second)], ['two: hello', 'one: hello'])
  t.is((await cli(['pipe', exposed.ticket, '--service', 'one'], { stdin: 'x' })).stdout.toString(), 'one: x')
})
