// `proxy-remote`, `proxy` and `socks5`, as child processes over loopback.
import { once } from 'node:events'
import ava from 'ava'
import { prompt } from '../helpers/prompt.js'
import { connectTo, echoServer, readSocket } from '../helpers/sockets.js'
import { socksConnect } from '../helpers/socks.js'
import { cli, serving } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

const nobody = 'i66fo538lfl5ombdf6tcdbrabp4hmp9asv7nrffuc2im13ct4q60'

test('clients of socks5 reach the targets of proxy-remote, and nothing else', async t => {
  await using service = await echoServer()
  const ticket = await serving(t, ['proxy-remote', '--target', `127.0.0.1:${service.port}`, '-t', '*:443', '--public'])
  const { address, port } = JSON.parse(await serving(t, ['socks5', ticket, '--json']))
  t.is(address, `127.0.0.1:${port}`)
  const [socket, reply] = await prompt(socksConnect(port, 'localhost', service.port), 'reply')
  t.is(reply, 0)
  socket.end('from the shell')
  t.is((await prompt(readSocket(socket.resume()), 'echo')).toString(), 'from the shell')
  t.is((await prompt(socksConnect(port, 'localhost', service.port ^ 1), 'reply'))[1], 2)
})

test('proxy speaks HTTP', async t => {
  await using service = await echoServer()
  const ticket = await serving(t, ['proxy-remote', '--target', '127.0.0.0/8', '--public'])
  const [, port] = (await serving(t, ['proxy', ticket])).split(':')
  const host = `localhost:${service.port}`
  const socket = await connectTo(Number(port))
  socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  const [head] = await prompt(once(socket, 'data'), 'head')
  t.regex(String(head), /^HTTP\/1\.1 200 /)
  socket.end('from the shell')
  t.is((await prompt(readSocket(socket), 'echo')).toString(), 'from the shell')
})

test('wrong rules, ports and peers are usage errors', async t => {
  const cases = [
    ['proxy-remote', '--public'],
    ['proxy-remote', '--target', '*'],
    ['proxy-remote', '--target', '443', '--public'],
    ['proxy-remote', '--target', '10.0.0.1/8', '--public'],
    ['socks5'],
    ['proxy', nobody, 'x'],
    ['socks5', nobody, '99999'],
    ['socks5', 'nobody', '0']
  ]
  for (const args of cases) {
    const { code, stderr } = await cli(args)
    t.is(code, 2, `${args.join(' ')}: ${stderr}`)
  }
})
