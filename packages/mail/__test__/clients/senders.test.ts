// Mail clients that know nothing of this package send over SMTP.
import { spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { createTransport } from 'nodemailer'
import { certificate } from '../helpers/certificate.js'
import { folder, type MailPeer, mailPeer, password } from '../helpers/peers.js'

/** Whether a program is installed. Without it a test passes, and says so; in CI it fails. */
function has(t: ExecutionContext, program: string): boolean {
  const isThere = spawnSync(program, ['--version']).error === undefined
  if (!isThere) t.is(process.env.CI, undefined, `${program} is not installed`)
  if (!isThere) t.pass(`SKIPPED: ${program} is not installed (package ${program})`)
  return isThere
}

/** Runs a program. Resolves with its status and what it printed. */
async function run(
  command: string,
  args: readonly string[],
  input: string
): Promise<{ status: number | null; output: string }> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const status = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { status, output }
}

/** A peer with a certificate for localhost. */
async function secured(t: ExecutionContext): Promise<{ peer: MailPeer; ca: string; port: string } | undefined> {
  const path = await folder(t)
  const tls = certificate(path)
  if (tls === undefined) return undefined
  const peer = await mailPeer(t, { smtp: { port: 0, tls } })
  return { peer, ca: join(path, 'cert.pem'), port: String(peer.mail.smtp!.port) }
}

const body = 'first line\n.\n..two dots\n  indented\n\nlast\n'

test('swaks sends, and sees refusals', async t => {
  if (!has(t, 'swaks')) return
  const peer = await mailPeer(t)
  const port = String(peer.mail.smtp!.port)
  const server = ['--server', '127.0.0.1', '--port', port, '--auth-user', 'ada', '--auth-password', password]
  const mail = [...server, '--from', peer.address(), '--header', 'Subject: from swaks', '--body', body]
  const good = await run('swaks', [...mail, '--to', `${peer.address()},bob@${peer.endpoint.id52}.fastn`], '')
  t.is(good.status, 0, good.output)
  await peer.event('delivered')
  const [message] = (await peer.messages()).map(String)
  t.regex(message!, /^Subject: from swaks\r$/m)
  t.true(message!.includes(body.replaceAll('\n', '\r\n')))
  const relayed = await run('swaks', [...mail, '--to', 'eve@example.org'], '')
  t.not(relayed.status, 0)
  t.regex(relayed.output, /550 5\.\d\.\d .*<id52>\.fastn/)
})

/** Sends with msmtp. Resolves with the message that arrives; `undefined` if msmtp or openssl is not installed. */
async function throughMsmtp(
  t: ExecutionContext,
  textFor: (address: string) => string,
  argsFor: (address: string) => string[]
): Promise<string | undefined> {
  if (!has(t, 'msmtp')) return undefined
  const found = await secured(t)
  if (found === undefined) {
    t.pass('SKIPPED: openssl is not installed')
    return undefined
  }
  const { peer, ca, port } = found
  const config = join(await folder(t), 'msmtprc')
  const lines = [
    'account default',
    'host localhost',
    `port ${port}`,
    'auth on',
    'user ada',
    `password ${password}`,
    'tls on',
    'tls_starttls on',
    `tls_trust_file ${ca}`
  ]
  await writeFile(config, `${lines.join('\n')}\n`, { mode: 0o600 })
  const args = ['-C', config, '-f', peer.address(), ...argsFor(peer.address())]
  const { status, output } = await run('msmtp', args, textFor(peer.address()))
  t.is(status, 0, output)
  await peer.event('delivered')
  const [message] = await peer.messages()
  return String(message)
}

test('msmtp sends as sendmail does', async t => {
  const textFor = (address: string) => `From: ${address}\nTo: ${address}\nSubject: folded\n header\n\n${body}`
  const message = await throughMsmtp(t, textFor, address => [address])
  if (message === undefined) return
  const text = textFor('')
  t.is(message.slice(message.indexOf('Subject:')).replaceAll('\r\n', '\n'), text.slice(text.indexOf('Subject:')))
})

test('Bcc: msmtp and nodemailer remove the field, and what a client leaves in arrives', async t => {
  const textFor = (address: string) => `From: ${address}\nBcc: ${address}\nSubject: secret\n\nbody\n`
  const message = await throughMsmtp(t, textFor, () => ['-t'])
  if (message !== undefined) t.notRegex(message, /^bcc:/im)
  const peer = await mailPeer(t)
  const auth = { user: 'ada', pass: password }
  const transport = createTransport({ host: '127.0.0.1', port: peer.mail.smtp!.port, auth, ignoreTLS: true })
  t.teardown(() => transport.close())
  await transport.sendMail({ from: peer.address(), bcc: peer.address(), subject: 'from nodemailer', text: 'body' })
  await peer.event('delivered')
  const raw = `Bcc: ${peer.address()}\r\nSubject: as it is\r\n\r\nbody\r\n`
  await transport.sendMail({ envelope: { from: peer.address(), to: [peer.address()] }, raw })
  const [first] = peer.events.filter(({ type }) => type === 'delivered')
  await peer.event('delivered', event => event !== first)
  const messages = (await peer.messages()).map(String)
  t.notRegex(messages.find(each => each.includes('from nodemailer'))!, /^bcc:/im)
  t.true(messages.includes(raw))
})
