import { FastnNetError } from '../errors.js'
import { idsOf, type Peer } from '../keys/peer.js'
import { checkSignal, throwIfAborted } from '../util/validate.js'
import { type HttpClient, openHttp } from './client-stream.js'
import { Exchange } from './exchange.js'
import { messageOf, redirected } from './message.js'
import { checkFetch, type FetchOptions, httpProtocol } from './options.js'

const maxRedirects = 20

/** Sends a request to a peer, and follows redirects to the same peer. */
export async function fetchFrom(
  client: HttpClient,
  peer: Peer,
  input: string | URL | Request,
  init: FetchOptions
): Promise<Response> {
  const { redirect = input instanceof Request ? input.redirect : 'follow' } = checkFetch(input, init)
  const service = init.service ?? ''
  const protocol = httpProtocol(service)
  const signal = checkSignal(init.signal ?? (input instanceof Request ? input.signal : undefined))
  throwIfAborted(signal)
  let message = messageOf(input, init)
  for (let count = 0; ; count++) {
    const opened = await openHttp(client, peer, protocol, service !== '', signal)
    const exchange = new Exchange(opened, message, init, signal)
    const response = await exchange.response(count > 0)
    const next = redirect === 'manual' ? undefined : redirected(message, response, exchange.sentWhole)
    if (next === undefined) return response
    await response.body?.cancel()
    const context = { peer: idsOf(peer, 'peer')[0], protocol, phase: 'fetch' }
    if (redirect === 'error') throw new FastnNetError('ERR_REFUSED', 'the peer answered with a redirect', context)
    if (count === maxRedirects)
      throw new FastnNetError('ERR_REFUSED', `the peer redirected more than ${maxRedirects} times`, context)
    message = next
  }
}
