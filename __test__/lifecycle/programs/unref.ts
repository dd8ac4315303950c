// Whether a Duplex that waits for bytes keeps the process alive.
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'
import { duplex } from 'fastn-net/node'

const [server, way] = process.argv.slice(2)
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const stream = await endpoint.getStream(JSON.parse(server!) as PeerAddress, Protocol.generic('Http'))
const socket = duplex(stream)
if (way === 'unref') socket.unref()
socket.once('data', data => {
  console.log(String(data))
  socket.destroy()
})
if (way === 'unref later') setTimeout(() => socket.unref(), 50)
if (way === 'ref') setTimeout(() => socket.unref().ref(), 50)
console.log('waits')
