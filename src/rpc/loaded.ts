type Requests = typeof import('./requests.js')

let loaded: Requests | undefined

/** Loads the code of requests. Each endpoint does, while its sockets are bound. */
export async function loadRequests(): Promise<void> {
  loaded ??= await import('./requests.js')
}

/** The code of requests, which an endpoint has loaded. */
export function requests(): Requests {
  if (loaded === undefined) throw new Error('fastn-net has a bug: a request before any endpoint')
  return loaded
}
