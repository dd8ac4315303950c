import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Field } from '../../http/head.js'
import { after } from '../../util/timeout.js'
import type { RoutedRequest } from '../exchange.js'
import { endToEnd, rawOf } from '../head.js'
import { refuseRaw, reset } from '../refusal.js'
import { Late, type Upstream } from './upstream.js'

/** Forwards an upgrade request, then relays bytes in both directions. A server may also decline with a normal response. */
export function forwardUpgrade(
  { request, path, fields }: RoutedRequest,
  socket: Duplex,
  head: Buffer,
  upstream: Upstream
): void {
  const { method = 'GET', headers } = request
  const { host } = upstream
  const sent = fields.map((field): Field => (field[0] === 'host' && host !== undefined ? ['host', host] : field))
  sent.push(['connection', 'upgrade'], ['upgrade', headers.upgrade ?? ''])
  const asked = upstream.send({ method, path, headers: rawOf(sent) })
  const timer = after(upstream.responseTimeout, () => asked.destroy(new Late()))
  const left = () => asked.destroy()
  let hasAnswer = false
  const answered = () => {
    hasAnswer = true
    clearTimeout(timer)
    socket.off('close', left)
  }
  socket.on('error', () => {})
  socket.once('close', left)
  asked.once('upgrade', (answer, service, rest) => {
    answered()
    const { upgrade } = answer.headers
    writeHead(socket, answer, [
      ['connection', 'upgrade'],
      ['upgrade', upgrade ?? '']
    ])
    if (rest.length > 0) socket.write(rest)
    if (head.length > 0) service.write(head)
    void join(socket, service)
  })
  asked.once('response', answer => {
    answered()
    const cut = () => {
      if (!answer.complete) reset(socket)
    }
    answer.once('error', cut)
    answer.once('close', cut)
    socket.once('close', () => answer.destroy())
    // The body ends with the connection.
    writeHead(socket, answer, [['connection', 'close']])
    answer.pipe(socket)
  })
  asked.on('error', error => {
    clearTimeout(timer)
    if (!hasAnswer && !socket.destroyed) refuseRaw(socket, upstream.refusalOf(error))
  })
  asked.once('close', () => clearTimeout(timer))
  asked.end()
}

function writeHead(
  socket: Duplex,
  { statusCode = 502, statusMessage, rawHeaders }: IncomingMessage,
  more: Field[]
): void {
  const lines = [...endToEnd(rawHeaders, false), ...more].map(([name, value]) => `${name}: ${value}\r\n`)
  const reason = statusMessage ?? STATUS_CODES[statusCode] ?? ''
  socket.write(`HTTP/1.1 ${statusCode} ${reason}\r\n${lines.join('')}\r\n`, 'latin1')
}

/** Relays bytes in both directions until both sides have ended. */
async function join(client: Duplex, service: Duplex): Promise<void> {
  for (const side of [client, service]) {
    side.on('error', () => {})
    const { setTimeout, setNoDelay } = side as { setTimeout?: (ms: number) => void; setNoDelay?: (on: boolean) => void }
    setTimeout?.call(side, 0)
    setNoDelay?.call(side, true)
  }
  client.pipe(service)
  service.pipe(client)
  try {
    await Promise.all([finished(client), finished(service)])
  } catch {
    reset(client)
    reset(service)
  }
}
