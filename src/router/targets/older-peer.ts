import type { Endpoint } from '../../endpoint/endpoint.js'
import { Cancellation } from '../../http/received-request.js'
import type { Peer } from '../../keys/peer.js'
import type { RoutedExchange } from '../exchange.js'
import { refuse } from '../refusal.js'
import { requestBody } from './body.js'
import { refusalOfPeer } from './peer-refusal.js'
import { hasBody } from './upstream.js'
import { writeAnswer } from './write-answer.js'

/** Forwards a request to an older peer over the protocol `Http`, without trailers, interim answers, upgrades and named services. */
export async function askOlderPeer(
  endpoint: Endpoint,
  peer: Peer,
  service: string,
  exchange: RoutedExchange
): Promise<void> {
  const { request, response, path, fields } = exchange
  const cancellation = new Cancellation()
  const left = () => cancellation.abort(new Error('the client has left'))
  response.once('close', left)
  let answer: Response
  try {
    const body = hasBody(request) ? requestBody(exchange, Number.POSITIVE_INFINITY).stream : null
    const headers = new Headers(fields.map(([name, value]): [string, string] => [name, value]))
    const { method = 'GET' } = request
    const { signal } = cancellation
    answer = await endpoint.fetch(peer, path, { method, headers, body, signal, service, redirect: 'manual' })
  } catch (error) {
    if (!response.destroyed) refuse(response, refusalOfPeer(error))
    return
  }
  await writeAnswer(answer, exchange, cancellation)
}
