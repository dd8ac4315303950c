// Mail of a rig: two rigs that know each other, and what is imported from the original.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text as textOf } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { hashPassword } from 'fastn-mail'
import { SecretKey } from 'fastn-net'
import { importRig, initRig, type Rig, type RigConfig, rigEntities, startRig } from 'fastn-net/rig'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'

const network = 'loopback'
const password = 'correct horse'
const hashed = hashPassword(password)

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-mail-rig-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

interface MailRig {
  readonly rig: Rig
  readonly home: string
  readonly owner: string
  readonly config: RigConfig
  ports(): { smtp: number; imap: number }
}

async function mailRig(t: ExecutionContext): Promise<MailRig> {
  const home = folderFor(t)
  const { owner } = await initRig({ home })
  const users = { me: { password: await hashed } }
  const config: RigConfig = {
    network,
    mail: { 'smtp-port': 0, 'imap-port': 0, allow: ['friends'], users },
    router: {}
  }
  const rig = await startRig(config, { home })
  t.teardown(() => rig.close({ timeout: 0 }))
  const ports = () => {
    const address = rig.status().services.find(({ kind }) => kind === 'mail')?.address ?? ''
    const [, smtp, imap] = /smtp 127\.0\.0\.1:(\d+) imap 127\.0\.0\.1:(\d+)/.exec(address) ?? []
    return { smtp: Number(smtp), imap: Number(imap) }
  }
  return { rig, home, owner, config, ports }
}

/** Certificate of a rig, which its clients trust. */
const trusted = ({ home }: MailRig) => ({
  ca: readFileSync(join(home, 'rig', 'tls', 'localhost.crt')),
  servername: 'localhost'
})

async function send(from: MailRig, to: string, subject: string): Promise<void> {
  const address = `me@${from.owner}.fastn`
  const transport = createTransport({
    host: '127.0.0.1',
    port: from.ports().smtp,
    requireTLS: true,
    tls: trusted(from),
    auth: { user: address, pass: password }
  })
  await transport.sendMail({ from: address, to, subject, text: 'hello' })
  transport.close()
}

/** Subjects of the mailbox, once there are so many. */
async function subjects(of: MailRig, count: number): Promise<string[]> {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: of.ports().imap,
    secure: false,
    doSTARTTLS: true,
    tls: trusted(of),
    auth: { user: 'me', pass: password },
    logger: false
  })
  await client.connect()
  try {
    const { exists } = await client.mailboxOpen('INBOX')
    // The server reports new mail while the client is idle.
    if (exists < count) {
      const arrived = once(client, 'exists')
      void client.idle()
      await arrived
    }
    const found: string[] = []
    for await (const { envelope } of client.fetch('1:*', { envelope: true })) found.push(envelope?.subject ?? '')
    return found
  } finally {
    await client.logout()
  }
}

test('two rigs that know each other exchange mail, over TLS with their own certificates, and a reload keeps it', async t => {
  const [alice, bob] = [await mailRig(t), await mailRig(t)]
  const invite = async () => {
    const account = alice.rig.account(alice.owner)
    await account?.update(draft => {
      draft.groups.friends = []
    })
    return (await account?.invite({ name: 'bob', groups: ['friends'] }))?.text ?? ''
  }
  const text = await invite()
  await bob.rig.account(bob.owner)?.update(draft => {
    draft.groups.friends = []
  })
  await bob.rig.account(bob.owner)?.redeem(text, { name: 'alice', groups: ['friends'] })
  await send(alice, `anything@${bob.owner}.fastn`, 'one')
  t.deepEqual(await subjects(bob, 1), ['one'])

  // Other users and rules: mail restarts on the same folder, and everything else continues.
  const { mail } = bob.config
  const users = { me: { password: await hashed }, other: {} }
  const changes = await bob.rig.reload({ ...bob.config, mail: { ...mail, users } })
  t.deepEqual(changes.started, ['mail'])
  await send(alice, `me@${bob.owner}.fastn`, 'two')
  t.deepEqual(await subjects(bob, 2), ['one', 'two'])
  await t.throwsAsync(bob.rig.reload({ ...bob.config, mail: { ...mail, users: { me: { password: 'none' } } } }), {
    message: /cannot start 'mail'.*hashPassword/
  })
  t.deepEqual(await subjects(bob, 2), ['one', 'two'])
})

test('the command line does not print that node:sqlite is experimental', async t => {
  const command = fileURLToPath(new URL('./cli.js', import.meta.resolve('fastn-net')))
  const child = spawn(process.execPath, [command, 'rig', 'mail-password', '--stdin'], { stdio: 'pipe' })
  child.stdin.end('correct horse\n')
  const [out, err] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  t.regex(out, /^scrypt\$/)
  t.is(err, '')
})

test('the router serves the settings for mail clients', async t => {
  const alice = await mailRig(t)
  const url = alice.rig.status().services.find(({ kind }) => kind === 'router')?.address ?? ''
  // As a client does whose proxy is the router.
  const { request } = await import('node:http')
  const path = `http://autoconfig.${alice.owner}.fastn/mail/config-v1.1.xml?emailaddress=me%40x`
  const { port } = new URL(url)
  const asked = request({ host: '127.0.0.1', port, path, headers: { host: `autoconfig.${alice.owner}.fastn` } }).end()
  const [response] = await once(asked, 'response')
  let xml = ''
  for await (const chunk of response.setEncoding('utf8')) xml += chunk
  t.is(response.statusCode, 200)
  const { smtp, imap } = alice.ports()
  t.regex(xml, new RegExp(`<incomingServer type="imap">\\s+<hostname>localhost</hostname>\\s+<port>${imap}</port>`))
  t.regex(xml, new RegExp(`<outgoingServer type="smtp">\\s+<hostname>localhost</hostname>\\s+<port>${smtp}</port>`))
})

test('names, online states and mails with flags are imported once', async t => {
  const source = folderFor(t)
  const [rig, one, friend] = [SecretKey.generate(), SecretKey.generate(), SecretKey.generate()]
  const account = join(source, 'accounts', one.id52)
  mkdirSync(join(source, 'rig'))
  mkdirSync(join(account, 'aliases'), { recursive: true })
  writeFileSync(join(source, 'rig', 'rig.private-key'), rig.toHex())
  writeFileSync(join(account, 'aliases', `${one.id52}.private-key`), one.toHex())
  documents(join(source, 'rig', 'automerge.sqlite'), {
    [`/-/entities/${one.id52}/status`]: { entity: one.id52, is_online: false },
    [`/-/rig/${rig.id52}/config`]: { current_entity: one.id52 }
  })
  documents(join(account, 'automerge.sqlite'), {
    [`/-/aliases/${friend.id52}/notes`]: { alias: friend.id52, nickname: 'Ann Smith', allow_mail: true },
    [`/-/aliases/${friend.id52}/readme`]: { alias: friend.id52, name: 'ann' },
    '/-/mails/default': { password_hash: '$argon2id$' }
  })
  const day = join(account, 'mails', 'default', 'INBOX', '2025', '09', '17')
  mkdirSync(day, { recursive: true })
  writeFileSync(join(day, 'email-1.eml'), 'Subject: first\r\n\r\nhello\r\n')
  writeFileSync(join(day, 'email-2.eml'), 'Subject: second\r\n\r\nhello\r\n')
  writeFileSync(join(day, 'notes.txt'), 'no mail')
  const mails = new DatabaseSync(join(account, 'mail.sqlite'))
  mails.exec(
    'CREATE TABLE fastn_emails (file_path TEXT, date_received INTEGER, is_seen, is_flagged, is_draft, is_answered, is_deleted)'
  )
  mails
    .prepare('INSERT INTO fastn_emails VALUES (?, ?, 1, 1, 0, 0, 0)')
    .run('mails/default/INBOX/2025/09/17/email-1.eml', 1_758_100_000)
  mails.close()

  const home = join(folderFor(t), 'new')
  const { accounts, problems } = await importRig(source, { home })
  t.deepEqual(problems, [])
  t.deepEqual(accounts, [{ account: one.id52, aliases: [one.id52], peers: 1, mails: 2, duplicates: 0 }])
  const { entities, current } = await rigEntities({ home })
  t.is(current, one.id52)
  t.false(entities.find(({ id52 }) => id52 === one.id52)?.online)
  const kept = JSON.parse(readFileSync(join(home, 'accounts', one.id52, 'account.json'), 'utf8'))
  t.deepEqual(kept.aliases, { 'Ann-Smith': { id52: friend.id52 } })
  t.deepEqual(kept.groups, { mail: ['Ann-Smith'] })
  const again = await importRig(source, { home })
  t.deepEqual(again.accounts, [{ account: one.id52, aliases: [one.id52], peers: 0, mails: 0, duplicates: 2 }])

  const running = await startRig(
    { network, mail: { 'smtp-port': 0, 'imap-port': 0, public: true, users: { me: { password: await hashed } } } },
    { home }
  )
  // Its identity was offline there, and is so here: its mail does not run.
  t.is(running.status().services.length, 0)
  await running.close()
})

function documents(file: string, all: Record<string, object>): void {
  const database = new DatabaseSync(file)
  database.exec('CREATE TABLE fastn_documents (path TEXT PRIMARY KEY, automerge_binary BLOB, json_data TEXT)')
  const insert = database.prepare('INSERT INTO fastn_documents VALUES (?, NULL, ?)')
  for (const [path, value] of Object.entries(all)) insert.run(path, JSON.stringify(value))
  database.close()
}
