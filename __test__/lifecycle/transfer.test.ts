// File transfers when a process is killed, or the disk is full.
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'
import { receiveTo, sendFrom } from 'fastn-net/node'
import { Program } from '../helpers/program.js'

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'fastn-net-transfer-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const program = fileURLToPath(new URL('programs/transfer.js', import.meta.url))

test('the receiver gets an error and no file when the sender is killed half way', async t => {
  t.timeout(120_000)
  const here = folder(t)
  await using server = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const streams = server.acceptBi('Http')
  const sender = new Program('transfer', 'send', JSON.stringify(server.address()))
  const { value: stream } = await streams.next()
  let begun = false
  const onProgress = () => {
    if (!begun) sender.kill('SIGKILL')
    begun = true
  }
  await t.throwsAsync(receiveTo(stream!, join(here, 'file'), { onProgress }), { code: 'ERR_CONNECTION_LOST' })
  t.true(begun)
  t.deepEqual(readdirSync(here), [])
})

if (process.platform === 'linux') {
  test('a disk that takes no more is ERR_FILE, and the file of before stays', async t => {
    const here = folder(t)
    writeFileSync(join(here, 'file'), 'before')
    // A process may write only files of 50 KiB. Without the trap, it would be killed instead of getting an error.
    const limited = 'trap "" XFSZ; ulimit -f 50; exec "$@"'
    const command = ['-c', limited, 'bash', process.execPath, program, 'receive', join(here, 'file')]
    const receiver = spawn('bash', command, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => receiver.kill('SIGKILL'))
    const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]()
    const address = JSON.parse((await lines.next()).value) as PeerAddress
    await using client = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
    const stream = await client.getStream(address, 'Http')
    await t.throwsAsync(sendFrom(stream, [new Uint8Array(20_000_000)]), { code: 'ERR_STREAM_STOPPED' })
    t.is((await lines.next()).value, 'ERR_FILE EFBIG')
    t.deepEqual(readdirSync(here), ['file'])
    t.is(readFileSync(join(here, 'file'), 'utf8'), 'before')
  })
}
