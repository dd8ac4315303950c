import ava from 'ava'
import { Cli, cli, eventsOf } from './support/cli.js'
import { endpointFor } from './support/transfer.js'

// Each test starts programs: more at once than there are processors would only make each slower.
const test = ava.serial

test('listen prints the lines of a stream, and --once ends it', async t => {
  const program = new Cli(['listen', 'Log', '--public', '--once', '--quiet'])
  const printed = await new Promise<string>(resolve => program.child.stderr?.once('data', resolve))
  const endpoint = await endpointFor(t)
  const stream = await endpoint.getStream(printed.trim(), 'Log')
  await stream.finish('one\ntwo\u001b[31m\nthree')
  const { code, stdout } = await program.ended
  t.is(code, 0)
  // stdout is not a terminal, so the text is unchanged.
  t.is(stdout.toString(), 'one\ntwo\u001b[31m\nthree\n')
})

test('listen --json names the peer of each line, and --echo sends lines back', async t => {
  const program = new Cli(['listen', 'Log', '--public', '--once', '--json', '--echo'])
  const { ticket } = await program.event('ready')
  const endpoint = await endpointFor(t)
  const stream = await endpoint.getStream(String(ticket), 'Log')
  await stream.writeLine('hello')
  t.is(await stream.nextString(), 'hello')
  await stream.finish()
  const end = await program.ended
  t.is(end.code, 0)
  const peer = endpoint.id52
  t.deepEqual(eventsOf(end).slice(1), [
    { event: 'stream', peer },
    { event: 'line', peer, text: 'hello' },
    { event: 'end', peer }
  ])
})

test('listen continues after a stream that fails', async t => {
  const program = new Cli(['listen', 'Log', '--public', '--json'])
  const { ticket } = await program.event('ready')
  const endpoint = await endpointFor(t)
  const broken = await endpoint.getStream(String(ticket), 'Log')
  await broken.writeLine('half')
  await program.event('line')
  broken.reset(7)
  t.like(await program.event('failed'), { code: 'ERR_STREAM_RESET' })
  const good = await endpoint.getStream(String(ticket), 'Log')
  await good.finish('whole\n')
  t.like(await program.event('line'), { text: 'whole' })
  if (process.platform === 'win32') return void program.kill('SIGKILL')
  program.kill('SIGINT')
  t.is((await program.ended).code, 130)
})

test('listen needs peers or --public, and a protocol of its own', async t => {
  t.is((await cli(['listen', 'Log'])).code, 2)
  const { code, stderr } = await cli(['listen', 'Ping', '--public'])
  t.is(code, 2)
  t.regex(stderr, /cannot listen for 'Ping'/)
})
