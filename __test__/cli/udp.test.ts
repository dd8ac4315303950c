// `udp` and `udp-bridge`, as child processes over loopback.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import ava, { type ExecutionContext } from 'ava'
import { prompt } from '../helpers/prompt.js'
import { Cli, cli, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const nobody = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

/** A UDP socket of this process. Answers each datagram if `answer` is given. */
async function udpSocket(t: ExecutionContext, answer?: (message: Buffer) => string): Promise<Socket> {
  const socket = createSocket('udp4')
  if (answer !== undefined) {
    socket.on('message', (message, { port, address }) => socket.send(answer(message), port, address))
  }
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => void socket.close())
  return socket
}

/** Sends a datagram to the bridge, and returns the answer. */
async function ask(t: ExecutionContext, address: string, text: string): Promise<string> {
  const [host, port] = address.split(':')
  const client = await udpSocket(t)
  client.send(text, Number(port), host)
  const [answer] = await prompt(once(client, 'message'), 'answer')
  return String(answer)
}

test('datagrams of each client reach the service, and its answers come back', async t => {
  const service = await udpSocket(t, message => `re: ${message}`)
  const ticket = await serving(t, ['udp', String(service.address().port), '--public'])
  const address = await serving(t, ['udp-bridge', ticket, '--flow-timeout', '5s'])
  t.regex(address, /^127\.0\.0\.1:\d+$/)
  t.is(await ask(t, address, 'one'), 're: one')
  t.is(await ask(t, address, 'two'), 're: two')
})

test('a UDP service has a name, and --json tells where the bridge listens', async t => {
  const service = await udpSocket(t, () => 'dns')
  const target = `127.0.0.1:${service.address().port}`
  const ready = await serving(t, ['udp', target, '--service', 'dns', '--public', '--json'])
  const { ticket, id52 } = JSON.parse(ready)
  t.is(id52.length, 52)
  const bridge = JSON.parse(await serving(t, ['udp-bridge', ticket, '0', '--service', 'dns', '--json']))
  t.is(bridge.address, `127.0.0.1:${bridge.port}`)
  t.is(await ask(t, bridge.address, 'question'), 'dns')
})

test('the hint is a command line that a shell accepts', async t => {
  const program = new Cli(['udp', '53', '--public', '--service', 'my dns'])
  await program.line()
  program.kill('SIGTERM')
  const { stderr } = await program.ended
  t.is(stderr, "To reach it: fastn-net udp-bridge TICKET PORT --service 'my dns'\n")
})

test('wrong targets, ports and times are usage errors', async t => {
  const cases = [
    ['udp', '53'],
    ['udp', 'unix:/run/socket', '--public'],
    ['udp', '53', '--public', '--flow-timeout', 'soon'],
    ['udp-bridge', nobody, '99999'],
    ['udp-bridge', nobody, '0', '--unix', 'x']
  ]
  for (const args of cases) {
    const { code, stderr } = await cli(args)
    t.is(code, 2, `${args.join(' ')}: ${stderr}`)
  }
})
