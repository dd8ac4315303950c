import { type Connection, createEndpoint, type PeerStream } from 'fastn-net'

// #region server
await using server = await createEndpoint()
void serve()

async function serve(): Promise<void> {
  for await (const connection of server.accept()) void serveConnection(connection)
}

async function serveConnection(connection: Connection): Promise<void> {
  for await (const stream of connection.acceptBi('my-app/1')) void echo(stream)
}

async function echo(stream: PeerStream): Promise<void> {
  for await (const chunk of stream) await stream.write(chunk)
  await stream.finish()
}
// #endregion

// #region client
await using client = await createEndpoint()
await using connection = await client.connect(server.address())
await using stream = await connection.openBi('my-app/1')
await stream.finish('hello')
console.log(await stream.text())
// #endregion
