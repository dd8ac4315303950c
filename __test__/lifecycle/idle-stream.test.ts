// Which calls of a stream keep the process alive.
import test from 'ava'
import { getEndpoint, Protocol, SecretKey } from 'fastn-net'
import { Program, quiet } from '../helpers/program.js'

for (const way of ['signal', 'signal after ref', 'unref', 'unref later', 'unref of finish']) {
  test(`an idle stream does not keep the process alive: ${way}`, async t => {
    await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const streams = server.acceptBi(Protocol.generic('Http'))
    const program = new Program('idle-stream', JSON.stringify(server.address()), way)
    const { value: stream } = await streams.next()
    t.deepEqual(await program.ended, quiet('waits', 'ERR_CLOSED'))
    await stream!.close()
  })
}

for (const way of ['read', 'ref', 'signal and read']) {
  test(`a read that waits keeps the process alive: ${way}`, async t => {
    await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const streams = server.acceptBi(Protocol.generic('Http'))
    const program = new Program('idle-stream', JSON.stringify(server.address()), way)
    const { value: stream } = await streams.next()
    t.is(await program.line(), 'waits')
    await new Promise(resolve => setTimeout(resolve, 500))
    t.true(program.isRunning)
    await stream!.finish('line\n')
    t.deepEqual(
      await program.ended,
      way === 'signal and read' ? quiet('waits', 'line', 'ERR_CLOSED') : quiet('waits', 'line')
    )
  })
}
