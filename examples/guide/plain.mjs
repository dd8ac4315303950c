import { getEndpoint, SecretKey } from 'fastn-net'

const ticket = process.argv[2] ?? ''
const endpoint = await getEndpoint(SecretKey.generate())
try {
  const stream = await endpoint.getStream(ticket, 'Greet')
  await stream.finish('Ada\n')
  console.log(await stream.nextString())
} finally {
  await endpoint.close()
}
