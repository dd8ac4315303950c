import { getEndpoint, SecretKey } from 'fastn-net'

const ticket = process.argv[2] ?? ''
const endpoint = await getEndpoint(SecretKey.generate())
try {
  const stream = await endpoint.getStream(ticket, 'AccountToAccount')
  await stream.finish(`${JSON.stringify({ hello: 'world' })}\n`)
  console.log(await stream.nextString())
} finally {
  await endpoint.close()
}
