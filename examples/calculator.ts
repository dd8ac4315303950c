import { getEndpoint, isFastnNetError, SecretKey } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)
await using endpoint = await getEndpoint(SecretKey.generate())
try {
  console.log(await endpoint.call(ticket, 'divide', { a: 6, b: 3 }))
  console.log(await endpoint.call(ticket, 'divide', { a: 1, b: 0 }, { timeout: 2000 }))
} catch (error) {
  if (!isFastnNetError(error, 'ERR_REMOTE')) throw error
  console.log(`${error.remoteName}: ${error.message}`) // RangeError: division by zero
}
