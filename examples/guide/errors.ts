import { createEndpoint, isFastnNetError } from 'fastn-net'

await using server = await createEndpoint()
await using client = await createEndpoint()
const peer = await server.ticket()

server.listen(
  {
    async Divide(stream) {
      const { a, b } = await stream.json<{ a: number; b: number }>()
      if (b === 0) throw new Error('division by zero')
      await stream.writeJson(a / b)
    },
    Slow: () => new Promise(() => {})
  },
  { onError: (error, stream) => console.log('handler failed:', stream.protocol, String(error)) }
)

// #region branch
async function divide(a: number, b: number): Promise<number | string> {
  try {
    await using stream = await client.getStream(peer, 'Divide')
    await stream.finish(JSON.stringify({ a, b }))
    return await stream.json<number>()
  } catch (error) {
    if (!isFastnNetError(error)) throw error
    switch (error.code) {
      case 'ERR_UNREACHABLE':
        return `offline, try later: ${error.message}`
      case 'ERR_STREAM_RESET':
        return `the peer's handler failed with code ${error.errorCode}`
      default:
        return `${error.code}: ${error.message}`
    }
  }
}
// #endregion
console.log(await divide(6, 3))
console.log(await divide(1, 0))

// #region deadline
await using slow = await client.getStream(peer, 'Slow')
try {
  await slow.text({ signal: AbortSignal.timeout(100) })
} catch (error) {
  console.log(String(error)) // TimeoutError: the signal's own reason, not a FastnNetError
}
// #endregion

// #region unsupported
try {
  await client.getStream(peer, 'Multiply')
} catch (error) {
  if (!isFastnNetError(error, 'ERR_PROTOCOL_UNSUPPORTED')) throw error
  console.log(error.message)
}
// #endregion
