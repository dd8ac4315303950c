import { getEndpoint, readOrCreateSecretKey } from 'fastn-net'

const [folder = '.'] = process.argv.slice(2)

const { secretKey, place, created } = await readOrCreateSecretKey({ folder })
await using endpoint = await getEndpoint(secretKey)
console.log(endpoint.id52) // the same at every start
console.log(created ? 'created' : 'loaded', place)

// #region sign
const document = new TextEncoder().encode('I owe you 5 euros')
const signature = secretKey.sign(document) // 64 bytes
console.log(secretKey.publicKey.verify(document, signature)) // true
// #endregion
