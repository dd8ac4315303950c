// Pings to a peer that listens for nothing.
import test from 'ava'
import { pair } from '../helpers/pair.js'

test('an endpoint that does not listen answers pings of the peers that it dialled', async t => {
  await using peers = await pair()
  const { client, server } = peers
  await using _listener = server.listen({ Echo: stream => stream.closed })
  await using _stream = await client.getStream(server.address(), 'Echo')
  t.true((await server.ping(client.id52)) > 0)
  t.true((await server.ping(client.address())) > 0)
  await t.throwsAsync(server.getStream(client.id52, 'Echo'), { code: 'ERR_PROTOCOL_UNSUPPORTED' })
  t.true((await server.ping(client.id52)) > 0)
  t.deepEqual([client.peers().length, server.peers()[0]?.connections.length], [1, 1])
})

test('an endpoint that only pinged a peer answers its pings', async t => {
  await using peers = await pair()
  await using _listener = peers.server.listen({ Echo() {} })
  t.true((await peers.client.ping(peers.server.address())) > 0)
  t.true((await peers.server.ping(peers.client.id52)) > 0)
})
