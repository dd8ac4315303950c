// The form of protocol names in messages.
import test from 'ava'
import { type Endpoint, Protocol } from 'fastn-net'
import { pair } from '../helpers/pair.js'

async function ask(client: Endpoint, server: Endpoint, protocol: Protocol) {
  await using stream = await client.getStream(server.address(), protocol)
  return await stream.text()
}

test('warnings and errors name a protocol as the program writes it', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const structured = Protocol.generic({ name: 'Echo', v: 2 })
  const fail = () => Promise.reject(Object.assign(new Error('as planned'), { code: 'PLANNED' }))
  const warning = new Promise<Error>(resolve => process.once('warning', resolve))
  const listener = server.listen({ Greet: fail, Tcp: fail })
  await t.throwsAsync(ask(client, server, 'Greet'), { code: 'ERR_STREAM_RESET' })
  t.true((await warning).message.startsWith("a handler of 'Greet' failed: as planned"))

  for (const [protocol, name] of [
    ['Other', "'Other'"],
    ['Http', "'Http'"],
    [Protocol.generic('Http'), '{"Generic":"Http"}'],
    [structured, '{"Generic":{"name":"Echo","v":2}}']
  ] as const) {
    const error = await t.throwsAsync(ask(client, server, protocol), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
    // The peer's words are quoted.
    t.true(error.message.replaceAll('\\', '').includes(`serves ${name}`), error.message)
  }
  const again = await t.throwsAsync(server.listen({ Greet: fail }).ready, { code: 'ERR_PROTOCOL_IN_USE' })
  t.true(again.message.startsWith("'Greet' has a listener already"), again.message)
  await listener.close()
})
