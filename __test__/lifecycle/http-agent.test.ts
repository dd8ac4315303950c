// An idle kept-alive socket does not keep the process alive, as over TCP.
import http from 'node:http'
import test from 'ava'
import { getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'
import { Program, quiet } from '../helpers/program.js'

test('a process with a kept-alive http.Agent exits once its requests are answered', async t => {
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const web = http.createServer((request, response) => response.end(request.url))
  web.keepAliveTimeout = 60_000
  const streams = server.acceptBi(Protocol.generic('Http'))
  const program = new Program('agent', JSON.stringify(server.address()))
  const { value: stream } = await streams.next()
  web.emit('connection', duplex(stream!))
  const began = performance.now()
  t.deepEqual(await program.ended, quiet('/one', '/two'))
  t.true(performance.now() - began < 20_000)
  web.close()
})

for (const way of ['unref', 'unref later']) {
  test(`a pending Duplex does not keep the process alive after ${way}`, async t => {
    await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const streams = server.acceptBi(Protocol.generic('Http'))
    const program = new Program('unref', JSON.stringify(server.address()), way)
    const { value: stream } = await streams.next()
    t.deepEqual(await program.ended, quiet('waits'))
    stream!.reset()
  })
}

test('a pending Duplex keeps the process alive, also after ref()', async t => {
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const streams = server.acceptBi(Protocol.generic('Http'))
  const program = new Program('unref', JSON.stringify(server.address()), 'ref')
  const { value: stream } = await streams.next()
  t.is(await program.line(), 'waits')
  await new Promise(resolve => setTimeout(resolve, 500))
  t.true(program.isRunning)
  await stream!.write('data')
  t.deepEqual(await program.ended, quiet('waits', 'data'))
})
