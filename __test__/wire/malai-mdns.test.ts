// How released versions of malai find peers on the local network: their mDNS service has another name than that of later versions of
// iroh.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import type { Endpoint } from 'fastn-net'
import { endpointFor } from '../helpers/wire.js'

const group = '224.0.0.251'
const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** Collects the packets sent to the multicast group. */
async function listen(t: ExecutionContext): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  t.teardown(() => socket.close())
  socket.bind(5353)
  await once(socket, 'listening')
  socket.addMembership(group, '127.0.0.1')
  return socket
}

/** The name of an endpoint in mDNS: its key in base32. */
function nameOf({ publicKey }: Endpoint): string {
  const bits = [...publicKey.toBytes()].map(byte => byte.toString(2).padStart(8, '0')).join('')
  const groups = bits.padEnd(260, '0').match(/.{5}/g) ?? []
  return groups.map(group => letters[Number.parseInt(group, 2)]).join('')
}

/** Labels as in a packet: each after its length. */
function labels(...names: string[]): string {
  return names.map(name => String.fromCharCode(name.length) + name).join('')
}

test('with kulfi, an endpoint is announced under both names, else under that of iroh', async t => {
  const socket = await listen(t)
  const network = { mdns: true, bind: ['127.0.0.1:0'] }
  const both = await endpointFor(t, { network, kulfi: true })
  const plain = await endpointFor(t, { network })
  const names = { both: nameOf(both), plain: nameOf(plain) }
  const wanted = new Set(['both irohv1', 'both iroh.local.swarm', 'plain irohv1'])
  while (wanted.size > 0) {
    const [bytes] = (await once(socket, 'message')) as [Buffer]
    const packet = bytes.toString('latin1')
    for (const [who, name] of Object.entries(names)) {
      if (!packet.includes(name)) continue
      if (packet.includes(labels('_irohv1', '_udp', 'local'))) wanted.delete(`${who} irohv1`)
      if (!packet.includes(labels('_iroh', 'local', 'swarm', '_udp', 'local'))) continue
      t.is(who, 'both')
      wanted.delete('both iroh.local.swarm')
    }
  }
})
