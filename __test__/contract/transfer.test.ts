// `sendFrom` and `receiveTo` of fastn-net/node.
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { FastnNetError, PeerStream } from 'fastn-net'
import { receiveTo, sendFrom, type TransferProgress } from 'fastn-net/node'
import { pair, pattern } from '../helpers/pair.js'
import { prompt } from '../helpers/prompt.js'

/** A folder of the test, which is removed after it. */
function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fastn-net-transfer-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Yields some bytes, more 200 ms later, and then waits forever. */
function stalling(): Readable {
  const pauses = [0, 200]
  return new Readable({
    read() {
      const pause = pauses.shift()
      if (pause !== undefined) setTimeout(() => this.push(pattern(100_000)), pause)
    }
  })
}

/** Collects the bytes that it receives, at most `most`. */
function keeping(most = Number.POSITIVE_INFINITY): Writable & { readonly bytes: Buffer } {
  const chunks: Uint8Array[] = []
  let size = 0
  const writable = new Writable({
    write(chunk: Uint8Array, _, done) {
      size += chunk.length
      if (size > most) return void done(new RangeError('the disk is full'))
      chunks.push(chunk)
      done()
    }
  })
  return Object.defineProperty(writable, 'bytes', { get: () => Buffer.concat(chunks) }) as never
}

for (const bytes of [0, 1, 5_000_000])
  test(`a file of ${bytes} bytes arrives complete, with count, digest and progress on both sides`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const here = folder(t)
    const whole = pattern(bytes)
    writeFileSync(join(here, 'from'), whole)
    writeFileSync(join(here, 'to'), 'replaced')
    const [sent, received]: TransferProgress[][] = [[], []]
    const results = await Promise.all([
      sendFrom(mine, join(here, 'from'), { onProgress: progress => sent!.push(progress) }),
      receiveTo(theirs, pathToFileURL(join(here, 'to')), { onProgress: progress => received!.push(progress) })
    ])
    t.deepEqual(results, [
      { bytes, sha256: sha256(whole) },
      { bytes, sha256: sha256(whole) }
    ])
    t.true(readFileSync(join(here, 'to')).equals(whole))
    t.deepEqual(readdirSync(here).sort(), ['from', 'to'])
    t.deepEqual(sent!.at(-1), { bytes, total: bytes })
    t.deepEqual(received!.at(-1), { bytes })
    for (const reports of [sent!, received!])
      t.deepEqual(
        reports.map(report => report.bytes),
        reports.map(report => report.bytes).toSorted((a, b) => a - b)
      )
    // The other direction is open for an answer.
    await theirs.writeLine('thanks')
    t.is(await mine.nextString(), 'thanks')
  })

if (process.platform !== 'win32')
  test('a replaced file keeps its mode, and a link to nothing is not replaced', async t => {
    await using peers = await pair()
    const here = folder(t)
    writeFileSync(join(here, 'secret'), 'before', { mode: 0o600 })
    symlinkSync(join(here, 'nothing'), join(here, 'link'))
    const [mine, theirs] = await peers.stream()
    await Promise.all([mine.finish('after'), receiveTo(theirs, join(here, 'secret'))])
    t.is(readFileSync(join(here, 'secret'), 'utf8'), 'after')
    t.is(statSync(join(here, 'secret')).mode & 0o777, 0o600)
    const [more, theirMore] = await peers.stream()
    await more.finish('after')
    await t.throwsAsync(receiveTo(theirMore, join(here, 'link')), { code: 'ERR_FILE', message: /a link to nothing/ })
    t.deepEqual(readdirSync(here).sort(), ['link', 'secret'])
  })

test('streams, generators and lists are sources, a Writable is a target', async t => {
  await using peers = await pair()
  const whole = Buffer.from('one grün three')
  const sources = [
    () => Readable.from(['one ', Buffer.from('grün'), ' three']),
    () => new Blob([whole]).stream(),
    async function* () {
      yield 'one '
      yield 'grün three'
    },
    () => ['one ', Buffer.from('grün three')]
  ]
  for (const source of sources) {
    const [mine, theirs] = await peers.stream()
    const target = keeping()
    const [sent, received] = await Promise.all([sendFrom(mine, source() as Readable), receiveTo(theirs, target)])
    t.deepEqual(sent, { bytes: whole.length, sha256: sha256(whole) })
    t.deepEqual(received, sent)
    t.true(target.writableFinished)
    t.true(target.bytes.equals(whole))
  }
})

test('neither end reads faster than the other accepts', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  let given = 0
  const source = new Readable({
    read(size) {
      given += size
      this.push(given < 40_000_000 ? new Uint8Array(size) : null)
    }
  })
  const sending = sendFrom(mine, source)
  // A target that accepts one chunk per call.
  let next: (() => void) | undefined
  const target = new Writable({
    highWaterMark: 1,
    write(_, __, done) {
      next = done
    }
  })
  const receiving = receiveTo(theirs, target)
  let before = -1
  while (given !== before) {
    before = given
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  // The stream's window, and the buffers on the path.
  t.true(given < 10_000_000, String(given))
  const take = setInterval(() => {
    for (let done = next; done !== undefined; done = next) {
      next = undefined
      done()
    }
  }, 1)
  t.deepEqual(await sending, await receiving)
  clearInterval(take)
})

test('progress is reported at most every 100 ms, and at the end', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  async function* slow() {
    for (let at = 0; at < 50; at++) {
      await new Promise(resolve => setTimeout(resolve, 10))
      yield new Uint8Array(1000)
    }
  }
  const reports: TransferProgress[] = []
  const times: number[] = []
  const onProgress = (progress: TransferProgress) => {
    reports.push(progress)
    times.push(performance.now())
  }
  await Promise.all([sendFrom(mine, slow(), { onProgress, total: 70_000 }), receiveTo(theirs, keeping())])
  t.true(reports.length >= 2)
  for (let at = 1; at < times.length - 1; at++) t.true(times[at]! - times[at - 1]! >= 99)
  t.deepEqual(reports.at(-1), { bytes: 50_000, total: 70_000 })
})

/** The code that the peer gets: cancelled or failed. */
const codeOf = (failure: string) => (failure.includes('its signal') ? 0x101 : 0x102)

/** Ways in which the sender fails in the middle, and the code or name of its error. */
const senderFails: Record<string, [(mine: PeerStream) => Promise<unknown>, string]> = {
  'the source fails': [
    mine => {
      const source = stalling()
      setTimeout(() => source.destroy(new RangeError('of the source')), 50)
      return sendFrom(mine, source)
    },
    'RangeError'
  ],
  'its signal aborts while the source waits': [
    mine => sendFrom(mine, stalling(), { signal: AbortSignal.timeout(50) }),
    'TimeoutError'
  ],
  'its signal aborts while the peer takes nothing': [
    mine => sendFrom(mine, [new Uint8Array(60_000_000)], { signal: AbortSignal.timeout(50) }),
    'TimeoutError'
  ],
  'its signal has aborted': [mine => sendFrom(mine, [pattern(10)], { signal: AbortSignal.abort() }), 'AbortError'],
  'a chunk is no bytes': [mine => sendFrom(mine, ['text', 5] as never), 'ERR_INVALID_ARGUMENT'],
  'onProgress throws': [
    mine =>
      sendFrom(mine, ['text'], {
        onProgress() {
          throw new RangeError('of onProgress')
        }
      }),
    'RangeError'
  ],
  'its file is missing': [mine => sendFrom(mine, '/no/such/file'), 'ERR_FILE'],
  'its file is a folder': [mine => sendFrom(mine, tmpdir()), 'ERR_FILE']
}

for (const [name, [send, expected]] of Object.entries(senderFails))
  test(`the receiver gets an error and no file when ${name}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const here = folder(t)
    writeFileSync(join(here, 'to'), 'before')
    const receiving =
      name === 'its signal aborts while the peer takes nothing' ? undefined : receiveTo(theirs, join(here, 'to'))
    receiving?.catch(() => {})
    const error = (await t.throwsAsync(prompt(send(mine), 'the sender'), { any: true })) as NodeJS.ErrnoException
    t.is(typeof error.code === 'string' ? error.code : error.name, expected)
    const failed = receiving ?? receiveTo(theirs, join(here, 'to'))
    const heard = await t.throwsAsync<FastnNetError>(failed, { code: 'ERR_STREAM_RESET' })
    t.is(heard!.errorCode, codeOf(name))
    t.deepEqual(readdirSync(here), ['to'])
    t.is(readFileSync(join(here, 'to'), 'utf8'), 'before')
    // The other direction is open, to send the reason.
    await theirs.writeLine('what?')
    t.is(await mine.nextString(), 'what?')
  })

test('a source that is not read to its end is destroyed', async t => {
  await using peers = await pair()
  const [mine] = await peers.stream()
  const source = stalling()
  await t.throwsAsync(sendFrom(mine, source, { signal: AbortSignal.timeout(50) }), { any: true })
  t.true(source.destroyed)
  let left = false
  async function* endless() {
    try {
      for (;;) yield new Uint8Array(100_000)
    } finally {
      left = true
    }
  }
  const [again, other] = await peers.stream()
  const sending = sendFrom(again, endless())
  other.stop(7)
  await t.throwsAsync(sending, { code: 'ERR_STREAM_STOPPED' })
  t.true(left)
})

test("errors of files contain the system's message", async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const path = join(folder(t), 'missing', 'file')
  const errors = await Promise.all([
    t.throwsAsync(sendFrom(mine, path), { code: 'ERR_FILE', message: /^cannot read the file: ENOENT: / }),
    t.throwsAsync(receiveTo(theirs, path), { code: 'ERR_FILE', message: /^cannot write the file: ENOENT: / })
  ])
  for (const error of errors) t.is((error!.cause as { code?: string }).code, 'ENOENT')
  // Not the temporary file, whose name the program did not choose.
  t.is(errors[1]!.message, `cannot write the file: ENOENT: the folder '${dirname(path)}' does not exist`)
})

test('the error for more bytes than total does not advise raising maxBytes', async t => {
  await using peers = await pair()
  const [mine, theirs] = await peers.stream()
  const sending = mine.finish('six is').catch(() => {})
  const message = 'the peer sends more than 5 bytes, which the option total says'
  await t.throwsAsync(receiveTo(theirs, join(folder(t), 'file'), { total: 5, maxBytes: 9 }), {
    code: 'ERR_TOO_LARGE',
    message
  })
  await sending
})

/** Ways in which the receiver fails, and the code or name of its error. */
const receiverFails: Record<string, [(theirs: PeerStream, here: string) => Promise<unknown>, string]> = {
  'its folder is missing': [(theirs, here) => receiveTo(theirs, join(here, 'missing', 'file')), 'ERR_FILE'],
  'its path is a folder': [(theirs, here) => receiveTo(theirs, here), 'ERR_FILE'],
  'its Writable fails': [theirs => receiveTo(theirs, keeping(50_000)), 'RangeError'],
  'its Writable is destroyed': [theirs => receiveTo(theirs, keeping().destroy()), 'ERR_STREAM_PREMATURE_CLOSE'],
  'its signal aborts': [
    (theirs, here) => receiveTo(theirs, join(here, 'file'), { signal: AbortSignal.timeout(50) }),
    'TimeoutError'
  ],
  'onProgress throws': [
    (theirs, here) =>
      receiveTo(theirs, join(here, 'file'), {
        onProgress() {
          throw new RangeError('of onProgress')
        }
      }),
    'RangeError'
  ],
  'its signal has aborted': [
    (theirs, here) => receiveTo(theirs, join(here, 'file'), { signal: AbortSignal.abort() }),
    'AbortError'
  ],
  'its signal aborts while the Writable waits': [
    theirs =>
      receiveTo(theirs, new Writable({ highWaterMark: 1, write: () => {} }), { signal: AbortSignal.timeout(50) }),
    'TimeoutError'
  ],
  'there is more than maxBytes': [
    (theirs, here) => receiveTo(theirs, join(here, 'file'), { maxBytes: 99_999 }),
    'ERR_TOO_LARGE'
  ],
  'there is more than total': [
    (theirs, here) => receiveTo(theirs, join(here, 'file'), { total: 99_999 }),
    'ERR_TOO_LARGE'
  ]
}

for (const [name, [receive, expected]] of Object.entries(receiverFails))
  test(`the sender is stopped, and no file is left, when ${name}`, async t => {
    await using peers = await pair()
    const [mine, theirs] = await peers.stream()
    const here = folder(t)
    const sending = sendFrom(mine, stalling())
    const stopped = t.throwsAsync<FastnNetError>(sending, { code: 'ERR_STREAM_STOPPED' })
    const error = (await t.throwsAsync(prompt(receive(theirs, here), 'the receiver'), { any: true })) as FastnNetError
    t.is(typeof error.code === 'string' ? error.code : error.name, expected)
    t.is((await prompt(stopped, 'the sender'))!.errorCode, codeOf(name))
    t.deepEqual(readdirSync(here), [])
    await theirs.writeLine('no room')
    t.is(await mine.nextString(), 'no room')
  })
