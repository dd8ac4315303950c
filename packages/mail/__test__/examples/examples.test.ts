import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { hashPassword, startMail } from 'fastn-mail'
import { createEndpoint, getEndpoint, SecretKey } from 'fastn-net'
import { createTransport } from 'nodemailer'
import { folder, messagesIn } from '../helpers/peers.js'

/** Starts the program of the guide. Returns what it printed, by the word before the colon, once it has printed so many lines. */
async function started(
  t: ExecutionContext,
  cwd: string,
  args: string[],
  lines: number
): Promise<Record<string, string>> {
  const program = fileURLToPath(new URL('mail.js', import.meta.url))
  const env = { ...process.env, FASTN_NET_NETWORK: 'loopback', SMTP_PORT: '0', IMAP_PORT: '0' }
  const child = spawn(process.execPath, [program, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const found: Record<string, string> = {}
  for await (const line of createInterface(child.stdout)) {
    const [word = '', ...rest] = line.split(': ')
    found[word] = rest.join(': ')
    if (Object.keys(found).length === lines) break
  }
  return found
}

test('the program of the guide: two people know each other by an invitation, and one writes to the other', async t => {
  const [ann, bob] = [await folder(t), await folder(t)]
  const { address: to = '', invitation = '' } = await started(t, ann, ['ann secret'], 3)
  const { address: from = '', SMTP = '' } = await started(t, bob, ['bob secret', invitation], 2)
  const auth = { user: 'me', pass: 'bob secret' }
  const transport = createTransport({ host: '127.0.0.1', port: Number.parseInt(SMTP, 10), auth })
  const raw = 'Subject: hello\r\n\r\nHello Ann\r\n'
  await transport.sendMail({ envelope: { from, to: [to] }, raw })
  const inbox = join(ann, 'mail', 'users', 'me')
  let arrived: Buffer[] = []
  while (arrived.length === 0) arrived = await messagesIn(inbox)
  t.deepEqual(arrived.map(String), [raw])
})

test('the snippets of the guide', async t => {
  const path = await folder(t)
  const password = 'correct horse battery staple'
  const bob = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  t.teardown(() => bob.close())
  const endpoint = await createEndpoint({ network: 'loopback' })
  t.teardown(() => endpoint.close())
  const [smtp, imap] = [{ port: 0 }, { port: 0 }]
  const lines: string[] = []
  const console = { log: (...texts: unknown[]) => void lines.push(texts.join(' ')) }
  const bobId52 = bob.id52
  // #region start
  const mail = await startMail({
    endpoint,
    folder: path,
    users: { ada: { password: await hashPassword(password) } },
    allow: [bobId52],
    smtp,
    imap,
    onEvent: ({ type, id, peer, reason }) => console.log(type, id, peer, reason)
  })
  // #endregion
  t.teardown(() => mail.close())
  // #region send
  const [from = ''] = mail.addresses
  const id = await mail.send({ from, to: [`bob@${bobId52}.fastn`, from], raw: 'Subject: Hello\r\n\r\nHello Bob\r\n' })
  // #endregion
  await mail.idle()
  // #region queue
  for (const { to, nextAt, reason } of mail.queue()) console.log(to, new Date(nextAt), reason)
  // #endregion
  t.true(lines.some(line => line.startsWith(`queued ${id}`)))
  t.true(lines.some(line => line.startsWith(`delivered ${id} ${endpoint.id52}`)))
  t.is(mail.queue().length, 1)
})
