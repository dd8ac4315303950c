// A peer made by others that does not behave. Starts in a network that the test made.
import { setTimeout as sleep } from 'node:timers/promises'
import { RawPeer, type RawStream } from '../../iroh/raw-peer.js'
import type { RawCommands, RawOptions } from '../support/commands.js'
import { drive } from './drive.js'

const { bind } = JSON.parse(process.argv[2]!) as RawOptions
const peer = await RawPeer.startAt(bind, '/fastn-net/1')
// What the collector found would be ended by it.
const kept: RawStream[] = []

await drive<RawCommands>(peer.id52, {
  accept({ acks }) {
    const streams = async () => {
      const connection = await peer.accept()
      void streams()
      for (;;) {
        const stream = await connection.accept()
        kept.push(stream)
        // A stream that was let go meanwhile takes no ack.
        if (acks) await stream.write('ack\n').catch(() => {})
      }
    }
    // A connection that ends, ends its loop.
    streams().catch(() => {})
    return null
  },
  async flood({ to, streams }) {
    const connection = await peer.connect(to, '/fastn-net/1')
    for (let count = 1; count <= streams; count++) {
      // Opened and never written, a stream is told of by a later one's first byte: half a header.
      kept.push(await connection.open(count % 64 === 0 ? '"' : ''))
    }
    return kept.length
  },
  opened: () => kept.length
})
await Promise.race([peer.close(), sleep(2000)])
process.exit()
