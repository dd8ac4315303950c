import { createEndpoint, Graceful } from 'fastn-net'

const graceful = new Graceful({ signals: true })
const endpoint = await createEndpoint({ graceful })
endpoint.listen({
  async Log(stream) {
    for await (const line of stream.lines({ signal: graceful.cancelled })) console.log(line)
  }
})
console.log(await endpoint.ticket())
