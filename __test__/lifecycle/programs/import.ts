// Resources that importing the package, and then a loopback endpoint, use.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Threads, sockets, and whether the addon is loaded. */
function taken() {
  const links = readdirSync('/proc/self/fd').map(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
  return {
    threads: readdirSync('/proc/self/task').length,
    sockets: links.filter(link => link.startsWith('socket:')).length,
    addons: readFileSync('/proc/self/maps', 'utf8').includes('.node')
  }
}

/** Local addresses of this process's internet sockets. */
function addresses(): string[] {
  const own = new Set<string>()
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      own.add(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {}
  }
  const found: string[] = []
  for (const kind of ['udp', 'udp6', 'tcp', 'tcp6', 'raw', 'raw6', 'udplite']) {
    let table = ''
    try {
      table = readFileSync(`/proc/self/net/${kind}`, 'utf8')
    } catch {}
    for (const line of table.split('\n').slice(1)) {
      const [, local = '', , , , , , , , inode] = line.trim().split(/\s+/)
      if (own.has(`socket:[${inode}]`)) found.push(`${kind} ${local.split(':')[0]}`)
    }
  }
  return found
}

const groups = () => readFileSync('/proc/self/net/igmp', 'utf8').replace(/\d:[0-9A-F]{8}/g, '')

const before = taken()
const { getEndpoint, SecretKey } = await import('fastn-net')
await import('fastn-net/node')
console.log(JSON.stringify({ before, after: taken() }))

const joined = groups()
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const other = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
const streams = other.acceptBi('Tcp')
await endpoint.ping(other.address())
console.log(JSON.stringify({ addresses: addresses(), joined: groups() === joined }))
await streams.return()
await endpoint.close()
await other.close()
// The sockets close with the endpoint's last task, a moment later.
while (addresses().length > 0) await new Promise(resolve => setTimeout(resolve, 5))
console.log('closed')
