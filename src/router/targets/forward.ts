import type { ClientRequest, IncomingMessage, OutgoingMessage } from 'node:http'
import type { Field } from '../../http/head.js'
import { after } from '../../util/timeout.js'
import type { RoutedExchange } from '../exchange.js'
import { endToEnd, rawOf, trailersOf } from '../head.js'
import { Refusal, refuse, reset } from '../refusal.js'
import { hasBody, Late, type Upstream } from './upstream.js'

const repeatable: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/** Forwards a request to a server, and the response back. Bodies stream in both directions with back-pressure. */
export function forward(exchange: RoutedExchange, upstream: Upstream): void {
  new Forwarding(exchange, upstream).start()
}

class Forwarding {
  readonly #exchange: RoutedExchange
  readonly #upstream: Upstream
  readonly #hasBody: boolean
  #hasAnswer = false
  #wasRepeated = false

  constructor(exchange: RoutedExchange, upstream: Upstream) {
    this.#exchange = exchange
    this.#upstream = upstream
    this.#hasBody = hasBody(exchange.request)
  }

  start(): void {
    const { request, response, path, expectsContinue } = this.#exchange
    const { method = 'GET' } = request
    const asked = this.#upstream.send({ method, path, headers: rawOf(this.#fields(method)) })
    const timer = after(this.#upstream.responseTimeout, () => asked.destroy(new Late()))
    const left = () => asked.destroy()
    const taken = () => timer?.refresh()
    const end = () => {
      clearTimeout(timer)
      request.off('data', taken)
      response.off('close', left)
    }
    response.once('close', left)
    asked.once('response', answer => {
      clearTimeout(timer)
      this.#answer(answer)
    })
    asked.once('upgrade', (_, socket) => {
      socket.destroy()
      this.#fail(new Error('the server switched to a protocol that the request did not ask for'), asked)
    })
    asked.on('error', error => this.#fail(error, asked))
    asked.once('close', end)
    if (expectsContinue) asked.once('continue', () => response.writeContinue())
    if (!this.#hasBody) return void asked.end()
    if (request.headers['transfer-encoding'] !== undefined) passTrailers(request, asked)
    request.on('data', taken)
    request.on('error', () => asked.destroy())
    request.pipe(asked)
  }

  #fields(method: string): Field[] {
    const { fields, request, expectsContinue } = this.#exchange
    const { host } = this.#upstream
    const sent =
      host === undefined ? [...fields] : fields.map((field): Field => (field[0] === 'host' ? ['host', host] : field))
    if (expectsContinue) sent.push(['expect', '100-continue'])
    if (request.headers['transfer-encoding'] !== undefined) sent.push(['transfer-encoding', 'chunked'])
    else if (request.headers['content-length'] === undefined && method !== 'GET' && method !== 'HEAD')
      sent.push(['content-length', '0'])
    return sent
  }

  #answer(answer: IncomingMessage): void {
    this.#hasAnswer = true
    const { request, response } = this.#exchange
    const { 'transfer-encoding': coding } = answer.headers
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      // Node decodes only chunks, and the field that names other codings is not forwarded.
      answer.destroy()
      return void refuse(response, new Refusal(502, 'the response has a Transfer-Encoding other than chunked'))
    }
    const { statusCode = 502, statusMessage = '' } = answer
    const takesTrailers = coding !== undefined && request.httpVersion === '1.1' && request.method !== 'HEAD'
    const fields = endToEnd(answer.rawHeaders, takesTrailers)
    const cut = () => {
      if (!answer.complete) reset(request.socket)
    }
    answer.once('error', cut)
    answer.once('close', cut)
    try {
      response.writeHead(statusCode, statusMessage, rawOf(fields))
    } catch {
      answer.destroy()
      return void refuse(response, new Refusal(502, 'the answer is not valid HTTP'))
    }
    if (takesTrailers) passTrailers(answer, response)
    // Send the head with the first bytes, unless they come later, as with Server-Sent Events.
    const late = setImmediate(() => response.flushHeaders())
    for (const event of ['data', 'end', 'close']) answer.once(event, () => clearImmediate(late))
    answer.pipe(response)
  }

  #fail(error: unknown, asked: ClientRequest): void {
    // Once a response has begun, its own events report errors.
    if (this.#hasAnswer) return
    const { request, response } = this.#exchange
    if (response.destroyed || response.headersSent || request.socket.destroyed) return
    // The server closed a pooled connection while the request was in flight.
    const isRepeatable = asked.reusedSocket && !this.#hasBody && repeatable.has(request.method ?? '')
    if (isRepeatable && !this.#wasRepeated && !(error instanceof Late)) {
      this.#wasRepeated = true
      this.start()
    } else {
      request.unpipe(asked)
      refuse(response, this.#upstream.refusalOf(error))
    }
  }
}

function passTrailers(from: IncomingMessage, to: OutgoingMessage): void {
  from.once('end', () => {
    const trailers = trailersOf(from)
    if (trailers.length > 0) to.addTrailers(trailers)
  })
}
