// Effects of `sendFrom` and `receiveTo` on their stream and on existing files.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { receiveTo, sendFrom } from 'fastn-net/node'
import { Echo, pair, pattern, readAll, turn } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fastn-net-transfer-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const nothing = () => new Writable({ write: (_, __, done) => done() })

for (const [name, end] of [
  ['closes the connection', 'connection'],
  ['closes its endpoint', 'endpoint']
] as const)
  test(`the receiver gets an error and no file when the peer ${name} half way`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const here = folder(t)
    const source = new Readable({ read() {} })
    source.push(pattern(100_000))
    const sending = t.throwsAsync(sendFrom(mine, source), { any: true })
    let began = () => {}
    const beginning = new Promise<void>(resolve => {
      began = resolve
    })
    const receiving = receiveTo(theirs, join(here, 'file'), { onProgress: () => began() })
    const failed = t.throwsAsync(receiving, { code: 'ERR_CONNECTION_LOST' })
    // Later than the interval of progress.
    await new Promise(resolve => setTimeout(resolve, 150))
    source.push(pattern(1000))
    await beginning
    t.is(readdirSync(here).length, 1)
    if (end === 'connection') mine.connection.close(5, 'bye')
    else await peers.client.close()
    await prompt(Promise.all([sending, failed]), 'both sides')
    t.deepEqual(readdirSync(here), [])
  })

test('fewer bytes than total are an error, and leave no file', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const here = folder(t)
  const sending = sendFrom(mine, ['ninebytes'])
  await t.throwsAsync(receiveTo(theirs, join(here, 'file'), { total: 10 }), {
    code: 'ERR_UNEXPECTED_END',
    message: 'the peer finished after 9 of 10 bytes'
  })
  await sending
  t.deepEqual(readdirSync(here), [])
  const [again, other] = await peers.stream()
  const [, { bytes }] = await Promise.all([
    sendFrom(again, ['ninebytes']),
    receiveTo(other, join(here, 'file'), { total: 9, maxBytes: 9 })
  ])
  t.is(bytes, 9)
})

test('a folder that vanishes while a file arrives is an error', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const here = folder(t)
  await mine.write('half')
  const receiving = receiveTo(theirs, join(here, 'file'))
  while (readdirSync(here).length === 0) await turn()
  rmSync(here, { recursive: true })
  await mine.finish('end')
  await t.throwsAsync(receiving, { code: 'ERR_FILE', message: /^cannot write the file: ENOENT: the folder / })
})

if (process.platform !== 'win32') {
  test('a symbolic link is followed, and a device is not replaced', async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const here = folder(t)
    writeFileSync(join(here, 'file'), 'before')
    symlinkSync('file', join(here, 'link'))
    await Promise.all([sendFrom(mine, ['after']), receiveTo(theirs, join(here, 'link'))])
    t.is(readFileSync(join(here, 'file'), 'utf8'), 'after')
    t.deepEqual(readdirSync(here).sort(), ['file', 'link'])
    const [again, other] = await peers.stream()
    await again.finish('x')
    await t.throwsAsync(receiveTo(other, '/dev/null'), {
      code: 'ERR_FILE',
      message: /'\/dev\/null' is no regular file/
    })
    t.deepEqual(readFileSync('/dev/null').length, 0)
  })
}

test('a handler that does not wait for its transfer does not cut it short', async t => {
  await using peers = await pair()
  const whole = pattern(3_000_000)
  const received: Buffer[] = []
  peers.server.listen(
    {
      Http: stream => void sendFrom(stream, Readable.from([whole])),
      Tcp: stream => {
        const target = new Writable({
          write(chunk: Buffer, _, done) {
            received.push(chunk)
            setTimeout(done, 1)
          }
        })
        void receiveTo(stream, target)
      },
      Socks5: stream => {
        sendFrom(stream, Readable.from([whole]), { signal: AbortSignal.timeout(50) }).catch(() => {})
      }
    },
    { onError: error => t.fail(String(error)) }
  )
  const open = (protocol: string) => peers.client.getStream(peers.server.address(), protocol)
  t.true(Buffer.from(await (await open('Http')).bytes()).equals(whole))
  const up = await open('Tcp')
  await up.finish(whole)
  await up.closed
  t.is(await up.text(), '')
  t.true(Buffer.concat(received).equals(whole))
  const cut = await open('Socks5')
  await turn()
  await new Promise(resolve => setTimeout(resolve, 100))
  await t.throwsAsync(readAll(cut), { code: 'ERR_STREAM_RESET' })
})

test('a transfer sends and receives the rest of a stream', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const line = theirs.nextJson()
  await mine.writeJson({ name: 'film.mp4', size: 5 })
  t.deepEqual(await line, { name: 'film.mp4', size: 5 })
  const [sent] = await Promise.all([sendFrom(mine, ['12', '345']), receiveTo(theirs, nothing(), { total: 5 })])
  t.is(sent.bytes, 5)
  await t.throwsAsync(sendFrom(mine, ['more']), { code: 'ERR_STREAM_FINISHED' })
  t.is((await receiveTo(theirs, nothing())).bytes, 0)
})

test('a pending read is an error that leaves the stream unchanged', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const reading = theirs.nextString()
  await t.throwsAsync(receiveTo(theirs, join(folder(t), 'file')), { code: 'ERR_READ_PENDING' })
  await mine.writeLine('still here')
  t.is(await reading, 'still here')
})

test('invalid arguments leave the stream unchanged', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const fails = (call: Promise<unknown>, message: RegExp) =>
    t.throwsAsync(call, { code: 'ERR_INVALID_ARGUMENT', message })
  for (const wrong of [undefined, null, {}, new TransformStream()] as never[]) {
    await fails(sendFrom(wrong, 'file'), /^stream must be a PeerStream$/)
    await fails(receiveTo(wrong, 'file'), /^stream must be a PeerStream$/)
  }
  for (const wrong of [undefined, null, 5, {}, '', new Uint8Array(5)] as never[])
    await fails(sendFrom(mine, wrong), /^source must be a path or a stream/)
  for (const wrong of [undefined, null, 5, {}, '', new Uint8Array(5), new WritableStream()] as never[])
    await fails(receiveTo(theirs, wrong), /^target must be a path or a Writable/)
  await fails(sendFrom(mine, new URL('http://example.com/x')), /^source must be a file: URL$/)
  await fails(receiveTo(theirs, new URL('http://example.com/x')), /^target must be a file: URL$/)
  for (const [wrong, message] of [
    [null, /options/],
    [{ onprogress: () => {} }, /unknown option 'onprogress': did you mean 'onProgress'/],
    [{ onProgress: 5 }, /^options\.onProgress must be a function$/],
    [{ total: -1 }, /^options\.total must be/],
    [{ total: 1.5 }, /^options\.total must be/],
    [{ signal: {} }, /^options\.signal must be an AbortSignal$/]
  ] as [never, RegExp][]) {
    await fails(sendFrom(mine, ['x'], wrong), message)
    await fails(receiveTo(theirs, nothing(), wrong), message)
  }
  await fails(sendFrom(mine, ['x'], { maxBytes: 5 } as never), /unknown option 'maxBytes'/)
  await fails(receiveTo(theirs, nothing(), { maxBytes: '5' as never }), /^options\.maxBytes must be/)
  const large = { total: 10_000_000_000, maxBytes: 10_000_000_000 }
  const receiving = receiveTo(theirs, nothing(), { ...large, total: undefined })
  t.is((await sendFrom(mine, ['still open'], { total: large.total })).bytes, 10)
  t.is((await receiving).bytes, 10)
})

test('a listener serves files', async t => {
  await using peers = await pair()
  const here = folder(t)
  writeFileSync(join(here, 'file'), 'of the server')
  peers.server.listen([[Echo, stream => sendFrom(stream, join(here, 'file'))]])
  const stream = await peers.client.getStream(peers.server.address(), Echo)
  t.is(await stream.text(), 'of the server')
})
