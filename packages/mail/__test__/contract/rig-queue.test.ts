// What the command line of a rig shows of mails that wait.
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test from 'ava'
import { hashPassword } from 'fastn-mail'
import { SecretKey } from 'fastn-net'
import { createTransport } from 'nodemailer'

const cli = fileURLToPath(new URL('../../../../dist/cli.js', import.meta.url))
const run = promisify(execFile)

test('rig queue lists a mail for an absent peer, with the next attempt and the reason', async t => {
  const home = mkdtempSync(join(tmpdir(), 'fastn-mail-rig-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const rig = async (...args: string[]) => (await run(process.execPath, [cli, 'rig', ...args, '--home', home])).stdout
  const [, owner] = /^Owner: (\S+)$/m.exec(await rig('init')) ?? []
  const hash = await hashPassword('correct horse')
  const mail = '[mail]\nsmtp-port = 0\nimap = false\nallow = ["friends"]\n'
  writeFileSync(join(home, 'rig.toml'), `network = "loopback"\n${mail}[mail.users.me]\npassword = "${hash}"\n`)
  const program = spawn(process.execPath, [cli, 'rig', 'run', '--home', home, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(() => program.kill('SIGKILL'))
  let port = 0
  for await (const line of createInterface(program.stdout)) {
    const event = JSON.parse(line)
    if (event.event === 'service') port = Number(/smtp \S+:(\d+)/.exec(event.address)?.[1])
    if (event.event === 'ready') break
  }
  t.is(await rig('queue'), '')
  const from = `me@${owner}.fastn`
  const to = `bob@${SecretKey.generate().id52}.fastn`
  const auth = { user: from, pass: 'correct horse' }
  const tls = { rejectUnauthorized: false }
  const transport = createTransport({ host: '127.0.0.1', port, requireTLS: true, tls, auth })
  t.teardown(() => transport.close())
  await transport.sendMail({ from, to, subject: 'later', text: 'hello' })
  let [mailed] = await events(rig)
  // The first attempt has to fail.
  for (const end = Date.now() + 60_000; mailed?.reason === '' && Date.now() < end; ) [mailed] = await events(rig)
  t.like(mailed, { event: 'mail', from, to: [to] })
  t.true(Number(mailed?.nextAt) > Number(mailed?.queuedAt))
  t.regex(await rig('queue'), new RegExp(`^\\S+ ${from} to ${to}, \\d+ bytes, since \\S+, next attempt \\S+: \\S`))
  transport.close()
  t.regex(await rig('status'), /^mail mail .*, \d in progress, 1 queued$/m)
  const idle = connect(port, '127.0.0.1')
  t.teardown(() => idle.destroy())
  await once(idle, 'data')
  const [service] = await events(rig, 'status')
  t.like(service, { event: 'service', kind: 'mail', queued: 1 })
  t.true(Number(service?.connections) >= 1, JSON.stringify(service))
})

/** Events of a command: of `status`, those of services. */
async function events(
  rig: (...args: string[]) => Promise<string>,
  command = 'queue'
): Promise<Record<string, unknown>[]> {
  const text = await rig(command, '--json')
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
    .filter(({ event }) => command === 'queue' || event === 'service')
}
