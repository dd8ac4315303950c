// The Rust core of iroh-http, without its Node binding (load/iroh-http): both sides native, so no get()/post() here.
export const native = {
  serve: ['iroh-http-load', 'serve'],
  client: (address, seconds) => ['iroh-http-load', 'client', address, seconds]
}
