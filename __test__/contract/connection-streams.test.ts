import test from 'ava'
import type { Connection } from 'fastn-net'
import { Echo, pair, readAll } from '../helpers/pair.js'

test('an acceptBi loop ends with its connection, for each of many', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const connections = server.accept()
  let served = 0
  const serve = async (connection: Connection) => {
    for await (const stream of connection.acceptBi(Echo)) {
      served++
      await stream.finish(await readAll(stream))
    }
    await connection[Symbol.asyncDispose]()
  }
  for (let round = 0; round < 200; round++) {
    const connection = await client.connect(server.address())
    const { value } = await connections.next()
    const serving = serve(value as Connection)
    const stream = await connection.openBi(Echo)
    await stream.finish('hello')
    t.is((await readAll(stream)).length, 5)
    connection.close()
    // Would wait forever.
    await serving
  }
  t.is(served, 200)
})

test('an acceptBi loop over a closed connection ends at once', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const connections = server.accept()
  const connection = await client.connect(server.address())
  const { value } = await connections.next()
  connection.close()
  await (value as Connection).closed
  for await (const _ of (value as Connection).acceptBi(Echo)) t.fail('a stream of no peer')
  t.pass()
})
