// When a process exits, and when it stays alive. Programs call process.exit only where a test says so.
import { createHash } from 'node:crypto'
import test from 'ava'
import { getEndpoint, type PeerAddress, Protocol, SecretKey } from 'fastn-net'
import { echoServer } from '../helpers/echo-server.js'
import { Program, quiet } from '../helpers/program.js'

test('a process that only dialled exits when its work is done', async t => {
  await using server = await echoServer()
  t.deepEqual(await new Program('dial', server.address).ended, quiet('hello'))
})

for (const ack of ['now', 'later']) {
  for (const bytes of [0, 1, 100_000, 10_000_000]) {
    test(`the last finished stream of a process arrives complete: ${bytes} bytes, ack ${ack}`, async t => {
      await using server = await echoServer()
      const program = new Program('finish', server.address, String(bytes), ack)
      const sha256 = createHash('sha256').update(Buffer.alloc(bytes, 'fastn-net ')).digest('hex')
      t.deepEqual(await server.received(), { bytes, sha256 })
      t.deepEqual(await program.ended, quiet())
    })
  }
}

for (const way of ['listen', 'ref', 'signal', 'acceptBi', 'accept']) {
  test(`a listening process stays alive until listening ends: ${way}`, async t => {
    const program = new Program('listen', way)
    const address = JSON.parse(await program.line()) as PeerAddress
    await new Promise(resolve => setTimeout(resolve, 300))
    t.true(program.isRunning)
    await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const stream = await endpoint.getStream(address, Protocol.generic('Close'))
    t.is(await stream.nextString(), 'closing')
    await stream[Symbol.asyncDispose]()
    t.deepEqual(await program.ended, quiet(JSON.stringify(address), 'done'))
  })
}

for (const way of ['unref', 'unref-later']) {
  test(`a process whose listening endpoint is unreferenced exits: ${way}`, async t => {
    const { code, signal, lines, stderr } = await new Program('listen', way).ended
    t.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' })
    // The endpoint closes when the event loop is empty, which ends listening.
    t.is(lines[1], 'done')
  })
}

test('process.exit with pending calls keeps its exit code, 100 times', async t => {
  await using server = await echoServer()
  for (let at = 0; at < 100; at += 4) {
    const programs = [0, 1, 2, 3].map(more => new Program('exit', server.address, 'exit', String(at + more)))
    for (const { ended } of programs) t.deepEqual(await ended, { code: 7, signal: null, lines: [], stderr: '' })
  }
})

test('an uncaught exception with pending calls exits with code 1', async t => {
  await using server = await echoServer()
  for (let at = 0; at < 8; at++) {
    const { code, signal, lines, stderr } = await new Program('exit', server.address, 'throw', String(at)).ended
    t.deepEqual({ code, signal, lines }, { code: 1, signal: null, lines: [] })
    t.regex(stderr, /Error: as planned/)
  }
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a program with a Graceful exits cleanly on ${signal}`, async t => {
    const program = new Program('graceful', 'end')
    const address = await program.line()
    await using endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const stream = await endpoint.getStream(JSON.parse(address) as PeerAddress, Protocol.generic('Echo'))
    await stream.write('hello\n')
    t.is(await stream.nextString(), 'hello')
    program.kill(signal)
    t.is(await program.line(), 'cancelled')
    // Streams that are open when the signal arrives may finish.
    await stream.finish('still there?\n')
    t.is(await stream.nextString(), 'still there?')
    t.is(await stream.read(), null)
    t.deepEqual(await program.ended, quiet(address, 'cancelled', 'listened'))
  })
}

test('a second Ctrl-C terminates a program whose work does not end', async t => {
  const program = new Program('graceful', 'hang')
  await program.line()
  program.kill('SIGINT')
  t.is(await program.line(), 'cancelled')
  program.kill('SIGINT')
  const { code, signal } = await program.ended
  t.deepEqual({ code, signal }, { code: null, signal: 'SIGINT' })
})

test('a shutdown by signal warns about unfinished work', async t => {
  const program = new Program('report', 'warning')
  await program.line()
  program.kill('SIGTERM')
  const { code, stderr } = await program.ended
  t.is(code, 0)
  t.regex(stderr, /\[ERR_SHUTTING_DOWN\] FastnNetWarning: .*unfinished: sleep; mail failed: the disk is full/)
})

test('a shutdown by signal passes its report to onReport', async t => {
  const program = new Program('report', 'onReport')
  await program.line()
  program.kill('SIGTERM')
  const { code, lines, stderr } = await program.ended
  t.deepEqual([code, stderr], [0, ''])
  t.like(JSON.parse(lines[1]!), { clean: false, unfinished: 1, work: [{ name: 'sleep', count: 1 }] })
})

test('failed spawned work is a warning when the process ends without a shutdown', async t => {
  const { code, stderr } = await new Program('report', 'no shutdown').ended
  t.is(code, 0)
  t.regex(stderr, /\[ERR_HANDLER\] FastnNetWarning: spawned work "mail" failed: the disk is full/)
})
