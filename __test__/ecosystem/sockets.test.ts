// Unmodified libraries that take a stream in place of a socket, over a peer: ws, pg, ssh2 and mqtt.
import { generateKeyPairSync } from 'node:crypto'
import { on, once } from 'node:events'
import { createServer } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import type { Endpoint, PeerStream } from 'fastn-net'
import { duplex, httpAgent, serveNodeHttp } from 'fastn-net/node'
import { pair } from '../helpers/pair.js'
import { load } from './support/load.js'

/** A peer that serves streams of `Tcp`, and the other end. */
async function served(t: ExecutionContext, serve?: (stream: PeerStream) => unknown) {
  const ends = await pair()
  t.teardown(() => ends[Symbol.asyncDispose]())
  const { client, server } = ends
  if (serve !== undefined) server.listen({ Tcp: serve })
  return { client, server, open: () => client.getStream(server.address(), 'Tcp') }
}

test('ws: an http.Server that peers reach upgrades, and messages pass both ways', async t => {
  const { client, server } = await served(t)
  const { WebSocket, WebSocketServer } = await load('ws')
  const web = createServer()
  const sockets = new WebSocketServer({ server: web })
  sockets.on('connection', (socket: Endpoint, request: { headers: Record<string, string> }) => echo(socket, request))
  const listener = serveNodeHttp(server, web)
  const agent = httpAgent(client, server.address())
  t.teardown(() => agent.destroy())
  const socket = new WebSocket('ws://peer/chat', { agent })
  const received = on(socket, 'message')
  const next = async () => (await received.next()).value[0] as Buffer
  t.is(String(await next()), client.id52)
  const messages = ['hello', Buffer.alloc(300_000, 7), '']
  for (const message of messages) socket.send(message)
  for (const message of messages) t.is(Buffer.compare(await next(), Buffer.from(message)), 0)
  socket.close(4000, 'done')
  t.is((await once(socket, 'close'))[0], 4000)
  await listener.close()
})

// biome-ignore lint/suspicious/noExplicitAny: it has no types here.
function echo(socket: any, { headers }: { headers: Record<string, string> }): void {
  socket.send(headers['fastn-peer'])
  socket.on('message', (data: unknown, binary: boolean) => socket.send(data, { binary }))
}

test('pg: a query over a stream', async t => {
  const { open } = await served(t, postgres)
  const { default: pg } = await load('pg')
  const stream = duplex(await open())
  const client = new pg.Client({ user: 'me', database: 'here', stream: () => stream, ssl: false })
  await client.connect()
  const { rows } = await client.query("select 'hello' as greeting")
  t.deepEqual(rows, [{ greeting: "select 'hello' as greeting" }])
  await client.end()
})

/** The part of PostgreSQL that a simple query needs: one row with the query's text. */
async function postgres(stream: PeerStream): Promise<void> {
  const message = (type: string, ...parts: Buffer[]) => {
    const body = Buffer.concat(parts)
    const head = Buffer.from(`${type}0000`)
    head.writeUInt32BE(body.length + 4, 1)
    return Buffer.concat([head, body])
  }
  const text = (value: string) => Buffer.from(`${value}\0`)
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
  const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value & 65_535)])
  const ready = message('Z', Buffer.from('I'))
  let input: Buffer = Buffer.alloc(0)
  let hasStarted = false
  for await (const chunk of stream) {
    input = Buffer.concat([input, chunk])
    for (;;) {
      const offset = hasStarted ? 1 : 0
      if (input.length < offset + 4) break
      const size = offset + input.readUInt32BE(offset)
      if (input.length < size) break
      const [type, body] = [input.toString('latin1', 0, offset), input.subarray(offset + 4, size)]
      input = input.subarray(size)
      if (!hasStarted) {
        hasStarted = true
        await stream.write(Buffer.concat([message('R', int32(0)), ready]))
      } else if (type === 'Q') {
        const query = body.toString('utf8', 0, body.length - 1)
        const column = [text('greeting'), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]
        const row = message('D', int16(1), int32(query.length), Buffer.from(query))
        const done = message('C', text('SELECT 1'))
        await stream.write(Buffer.concat([message('T', int16(1), ...column), row, done, ready]))
      } else if (type === 'X') return
    }
  }
}

test('ssh2: a command over a stream', async t => {
  const { default: ssh2 } = await load('ssh2')
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' }
  })
  const daemon = new ssh2.Server({ hostKeys: [privateKey] }, sshSession)
  const { open } = await served(t, stream => daemon.injectSocket(duplex(stream)))
  const client = new ssh2.Client()
  client.connect({ sock: duplex(await open()), username: 'me', password: 'secret' })
  await once(client, 'ready')
  const channel = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
    client.exec('uptime', (error: Error | undefined, made: NodeJS.ReadableStream) =>
      error ? reject(error) : resolve(made)
    )
  )
  let output = ''
  for await (const chunk of channel) output += chunk
  t.is(output, 'ran uptime')
  client.end()
  await once(client, 'close')
})

// biome-ignore lint/suspicious/noExplicitAny: it has no types here.
function sshSession(client: any): void {
  client.on('authentication', (attempt: { method: string; accept(): void; reject(methods: string[]): void }) =>
    attempt.method === 'password' ? attempt.accept() : attempt.reject(['password'])
  )
  // biome-ignore lint/suspicious/noExplicitAny: it has no types here.
  client.on('session', (accept: () => any) =>
    accept().on(
      'exec',
      (run: () => NodeJS.WritableStream & { exit(code: number): void }, _: unknown, info: { command: string }) => {
        const channel = run()
        channel.write(`ran ${info.command}`)
        channel.exit(0)
        channel.end()
      }
    )
  )
}

test('mqtt: publish and subscribe over a stream', async t => {
  const { default: aedes } = await load('aedes')
  const { default: mqtt } = await load('mqtt')
  const broker = aedes()
  t.teardown(() => broker.close())
  const { open } = await served(t, stream => broker.handle(duplex(stream)))
  const first = duplex(await open())
  const client = new mqtt.MqttClient(() => first, { clientId: 'one', reconnectPeriod: 0 })
  client.on('error', () => {})
  await once(client, 'connect')
  await client.subscribeAsync('news')
  const arrived = once(client, 'message')
  await client.publishAsync('news', Buffer.from('hello'), { qos: 1 })
  const [topic, payload] = await arrived
  t.is(topic, 'news')
  t.is(String(payload), 'hello')
  await client.endAsync()
})
