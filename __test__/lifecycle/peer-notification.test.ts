// What a peer observes when a process ends.
import test from 'ava'
import { Graceful, getEndpoint, type PeerStream, Protocol, SecretKey } from 'fastn-net'
import { Program } from '../helpers/program.js'

/** Serves one program. Records how its connection ends, and the lines that it sent. */
async function peerOf() {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const lines: string[] = []
  const streams: PeerStream[] = []
  let handled = () => {}
  const allRead = new Promise<void>(resolve => {
    handled = resolve
  })
  const incoming = endpoint.accept()
  const listener = endpoint.listen(
    [
      [
        Protocol.generic('Hold'),
        async stream => {
          streams.push(stream)
          try {
            for await (const line of stream.lines()) {
              lines.push(line)
              if (line === 'hello') await stream.write('hello\n')
            }
          } finally {
            handled()
          }
        }
      ]
    ],
    { onError: () => {} }
  )
  return {
    address: JSON.stringify(endpoint.address()),
    lines,
    /** Resolves once the connection has ended and the handler has read all that arrived before. */
    async ended() {
      const { value: connection } = await incoming.next()
      const info = await connection!.closed
      await allRead
      return { code: info.code, by: info.by }
    },
    async [Symbol.asyncDispose]() {
      await endpoint.close()
      await listener.closed
    }
  }
}

const shutdown = { code: 0x103, by: 'peer' }

for (const [how, code] of [
  ['exit', 7],
  ['throw', 1],
  ['closing', 7]
] as const) {
  test(`with closeOnExit, the peer sees a close and the last finished stream: ${how}`, async t => {
    await using peer = await peerOf()
    const program = new Program('leave', peer.address, how, 'hook')
    t.deepEqual(await peer.ended(), shutdown)
    t.deepEqual(peer.lines, ['hello', 'last words'])
    t.is((await program.ended).code, code)
  })
}

test('without closeOnExit, process.exit notifies no peer', async t => {
  await using peer = await peerOf()
  const program = new Program('leave', peer.address, 'exit', 'none')
  let told: unknown
  void peer.ended().then(how => {
    told = how
  })
  t.is((await program.ended).code, 7)
  await new Promise(resolve => setTimeout(resolve, 500))
  t.is(told, undefined)
})

test('on SIGTERM, a program with a Graceful closes, and its peer sees the close', async t => {
  await using peer = await peerOf()
  const program = new Program('leave', peer.address, 'graceful', 'none')
  // Accepted first, because a closed connection is no longer yielded.
  const ended = peer.ended()
  t.is(await program.line(), 'ready')
  program.kill('SIGTERM')
  t.deepEqual(await ended, shutdown)
  const { code, signal, stderr } = await program.ended
  t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
})

for (const how of ['worker exit', 'worker terminate']) {
  for (const hook of ['hook', 'none']) {
    test(`an ending thread notifies its peers: ${how}, ${hook}`, async t => {
      await using peer = await peerOf()
      const program = new Program('leave', peer.address, how, hook)
      t.deepEqual(await peer.ended(), shutdown)
      t.true(program.isRunning)
      program.kill('SIGKILL')
      await program.ended
    })
  }
}

test('a vanished peer does not delay a shutdown, and its unacknowledged streams are counted', async t => {
  const graceful = new Graceful()
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback', graceful })
  const incoming = endpoint.acceptBi(Protocol.generic('Hold'))
  const program = new Program('leave', JSON.stringify(endpoint.address()), 'graceful', 'none')
  const { value: stream } = await incoming.next()
  await stream!.write('hello\n')
  t.is(await program.line(), 'ready')
  program.kill('SIGKILL')
  await program.ended
  await stream!.finish('nobody is there\n')
  stream!.stop(0)
  // Half of the timeout is for delivery: less than the liveness check needs to detect a lost peer.
  const { unacknowledged, unclosed } = await graceful.shutdown({ timeout: 10_000 })
  t.deepEqual({ unacknowledged, unclosed }, { unacknowledged: 1, unclosed: 0 })
})
