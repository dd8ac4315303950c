import ava, { type ExecutionContext } from 'ava'
import { pair } from '../helpers/pair.js'
import { Cli, cli, eventsOf } from './support/cli.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

/** The ticket of an endpoint of this process that answers pings. */
async function peerFor(t: ExecutionContext): Promise<{ ticket: string; id52: string }> {
  const ends = await pair()
  t.teardown(() => ends[Symbol.asyncDispose]())
  const listener = ends.server.listen({ Echo: () => {} })
  await listener.ready
  return { ticket: await ends.server.ticket(), id52: ends.server.id52 }
}

test('ping prints each round trip with its path, and statistics', async t => {
  const { ticket } = await peerFor(t)
  const { code, lines, stderr } = await cli(['ping', ticket, '--count', '3', '--interval', '10ms', '--quiet'])
  t.is(code, 0, stderr)
  t.is(stderr, '')
  t.is(lines.length, 4)
  for (const [index, line] of lines.slice(0, 3).entries()) {
    t.regex(line, new RegExp(`^pong ${index + 1}: [\\d.]+ ms direct 127\\.0\\.0\\.1:\\d+$`))
  }
  t.regex(lines[3] ?? '', /^3 sent, 3 received, 0 % lost, ms: min [\d.]+, mean [\d.]+, max [\d.]+, deviation [\d.]+$/)
})

test('ping --json prints one object per line', async t => {
  const { ticket, id52 } = await peerFor(t)
  const end = await cli(['ping', ticket, '-c', '2', '-i', '10ms', '--json'])
  t.is(end.code, 0)
  t.is(end.stderr, '')
  const events = eventsOf(end)
  t.deepEqual(
    events.map(({ event }) => event),
    ['connected', 'pong', 'pong', 'statistics']
  )
  t.like(events[0], { peer: id52, path: 'direct' })
  t.like(events[3], { peer: id52, sent: 2, received: 2 })
})

test('a peer without a known address fails with status 1', async t => {
  const { id52 } = await peerFor(t)
  const end = await cli(['ping', id52, '--timeout', '2s', '--json'])
  t.is(end.code, 1)
  t.like(eventsOf(end), [{ event: 'error', code: 'ERR_UNREACHABLE', peer: id52 }])
})

test('Ctrl-C prints the statistics and exits with 130; SIGTERM with 143', async t => {
  if (process.platform === 'win32') return void t.pass()
  const { ticket } = await peerFor(t)
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143]
  ] as const) {
    const program = new Cli(['ping', ticket, '--count', '0', '--interval', '1h'])
    await program.line()
    program.kill(signal)
    const { code, lines, stderr } = await program.ended
    t.is(code, status)
    t.false(stderr.includes('interrupted'), 'the sender of the signal knows of it')
    t.regex(lines.at(-1) ?? '', /^1 sent, 1 received/)
  }
})
