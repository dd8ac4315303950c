import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'

/** Rebuilds the head of a request without its upgrade. Node treats every request with `Upgrade` as an upgraded connection. */
export function withoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): Buffer {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [rawHeaders[at] as string, rawHeaders[at + 1] as string]
    const lower = name.toLowerCase()
    if (lower === 'upgrade' || lower === 'http2-settings') continue
    const kept = lower === 'connection' ? remaining(value) : value
    if (lower !== 'connection' || kept !== '') text += `${name}: ${kept}\r\n`
  }
  return Buffer.from(`${text}\r\n`, 'latin1')
}

function remaining(connection: string): string {
  const names = connection.split(',').map(name => name.trim())
  return names.filter(name => !/^(?:upgrade|http2-settings)$/i.test(name)).join(', ')
}
