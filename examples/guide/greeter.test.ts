import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEndpoint, type Endpoint } from 'fastn-net'
import { serveGreet } from './greeter.js'

/** An endpoint that reaches nothing but this machine. */
function endpoint(): Promise<Endpoint> {
  return createEndpoint({ network: 'loopback', openTimeout: 5000 })
}

test('greets by name', async () => {
  await using server = await endpoint()
  await using client = await endpoint()
  await serveGreet(server).ready

  await using stream = await client.getStream(server.address(), 'Greet')
  await stream.finish('Ada')
  assert.equal(await stream.text(), 'Hello Ada')
})

test('rejects a long name', async () => {
  await using server = await endpoint()
  await using client = await endpoint()
  const failures: unknown[] = []
  process.once('warning', warning => failures.push(warning))
  await serveGreet(server).ready

  await using stream = await client.getStream(server.address(), 'Greet')
  await stream.finish('x'.repeat(101))
  await assert.rejects(stream.text(), { code: 'ERR_STREAM_RESET' })
})
