// A third-party peer that misbehaves. Runs in a network of the test.
import { setTimeout as sleep } from 'node:timers/promises'
import { RawPeer, type RawStream } from '../../iroh/raw-peer.js'
import type { RawCommands, RawOptions } from '../support/commands.js'
import { drive } from './drive.js'

const { bind } = JSON.parse(process.argv[2]!) as RawOptions
const peer = await RawPeer.startAt(bind, '/fastn-net/1')
// Referenced, because garbage collection would end it.
const kept: RawStream[] = []

await drive<RawCommands>(peer.id52, {
  accept({ acks }) {
    const streams = async () => {
      const connection = await peer.accept()
      void streams()
      for (;;) {
        const stream = await connection.accept()
        kept.push(stream)
        // A stream that was dropped before this accepts no ack.
        if (acks) await stream.write('ack\n').catch(() => {})
      }
    }
    // The loop ends with its connection.
    streams().catch(() => {})
    return null
  },
  async flood({ to, streams }) {
    const connection = await peer.connect(to, '/fastn-net/1')
    for (let count = 1; count <= streams; count++) {
      // Half a header on a later stream announces the earlier ones, which are never written.
      kept.push(await connection.open(count % 64 === 0 ? '"' : ''))
    }
    return kept.length
  },
  opened: () => kept.length
})
await Promise.race([peer.close(), sleep(2000)])
process.exit()
