// Web requests over streams of one protocol: a line of JSON with the head, then the body, each way.
import type { Endpoint, Listener, Peer } from 'fastn-net'

interface RequestHead {
  readonly method: string
  readonly url: string
  readonly headers: [string, string][]
}

interface ResponseHead {
  readonly status: number
  readonly headers: [string, string][]
}

/** Options of `fetch`. Some libraries pass `undefined` for an option. */
type Init = { [Name in keyof RequestInit]?: RequestInit[Name] | undefined }

/** A `fetch` whose requests go to a peer, whatever the host in their URL. */
export function fetchFrom(endpoint: Endpoint, peer: Peer, protocol: string) {
  return async (input: string | URL | Request, init?: Init): Promise<Response> => {
    const request = new Request(input, init as RequestInit)
    const { method, url, headers, body, signal } = request
    const stream = await endpoint.getStream(peer, protocol, { ack: 'later', signal })
    signal.addEventListener('abort', () => void stream.close(), { once: true })
    await stream.writeJson({ method, url, headers: [...headers] } satisfies RequestHead)
    // The peer may answer before it has read everything.
    const sent = body === null ? stream.finish() : body.pipeTo(stream.writable)
    sent.catch(() => {})
    const head = await stream.nextJson<ResponseHead>({ signal })
    return new Response(hasBody(head.status) ? stream.readable : null, head)
  }
}

/** Serves web requests. The header `fastn-peer` is the caller's ID52; callers cannot set it. */
export function serveFetch(
  endpoint: Endpoint,
  protocol: string,
  handler: (request: Request) => Response | Promise<Response>
): Listener {
  return endpoint.listen({
    async [protocol](stream) {
      const { method, url, headers } = await stream.nextJson<RequestHead>()
      const body = method === 'GET' || method === 'HEAD' ? null : stream.readable
      const init: RequestInit = { method, headers, body, signal: stream.signal, duplex: 'half' }
      const request = new Request(url, init)
      request.headers.set('fastn-peer', stream.remoteId52)
      const response = await handler(request)
      await stream.writeJson({ status: response.status, headers: [...response.headers] } satisfies ResponseHead)
      if (response.body !== null) await response.body.pipeTo(stream.writable)
      else await stream.finish()
      if (!request.bodyUsed) await body?.cancel()
    }
  })
}

function hasBody(status: number): boolean {
  return ![204, 205, 304].includes(status)
}
