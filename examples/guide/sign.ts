import { SecretKey } from 'fastn-net'

const secretKey = SecretKey.generate()
const document = new TextEncoder().encode('I owe you 5 euros')
const signature = secretKey.sign(document) // 64 bytes
console.log(secretKey.publicKey.verify(document, signature)) // true
