import { setTimeout as sleep } from 'node:timers/promises'
import { createEndpoint, Graceful, isFastnNetError } from 'fastn-net'

const [ticket = ''] = process.argv.slice(2)
const graceful = new Graceful({ signals: true })
const signal = graceful.cancelled
const endpoint = await createEndpoint({ graceful })
while (!signal.aborted) {
  try {
    // Dials, with backoff, until the peer is there.
    const stream = await endpoint.getStream(ticket, 'Log', { timeout: Number.POSITIVE_INFINITY, signal })
    console.log('connected')
    for (let count = 1; ; count++) {
      await stream.writeLine(`message ${count}`, { signal })
      await sleep(500, undefined, { signal })
    }
  } catch (error) {
    if (!isFastnNetError(error)) break // the shutdown's signal
    console.log(error.code)
    await sleep(1000, undefined, { signal }).catch(() => {}) // a refusal returns at once
  }
}
