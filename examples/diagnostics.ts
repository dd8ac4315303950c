import { tracingChannel } from 'node:diagnostics_channel'
import type { StreamMessage } from 'fastn-net'

const began = new WeakMap<object, number>()
tracingChannel<unknown, StreamMessage>('fastn-net:stream').subscribe({
  start: message => void began.set(message, performance.now()),
  end() {},
  asyncStart() {},
  asyncEnd(message) {
    const ms = performance.now() - (began.get(message) ?? 0)
    console.error(message.direction, message.protocol, message.peer, `${ms.toFixed(1)} ms`)
  },
  error: ({ error }) => console.error(error)
})
