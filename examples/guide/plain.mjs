import { createEndpoint } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)
const endpoint = await createEndpoint()
try {
  const stream = await endpoint.getStream(ticket, 'Greet')
  await stream.finish('Ada')
  console.log(await stream.text())
} finally {
  await endpoint.close()
}
