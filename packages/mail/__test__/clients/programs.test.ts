import { execFile, spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { message, type Served, serve, temporaryFolder } from '../helpers/server.js'

/** Runs a program, and resolves to what it wrote. Rejects if it fails. */
async function run(
  program: string,
  args: string[],
  options: { input?: string; env?: Record<string, string> } = {}
): Promise<string> {
  return await new Promise((resolve, reject) => {
    const env = { ...process.env, ...options.env }
    const child = execFile(program, args, { env, timeout: 60_000, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} failed: ${stderr}${stdout}`, { cause: error }))
      else resolve(stdout)
    })
    child.stdin?.end(options.input ?? '')
  })
}

/** Whether a program is installed; says which of Debian's packages has it if not. */
function has(t: ExecutionContext, program: string, debian: string): boolean {
  const found = spawnSync(program, ['--version']).error === undefined
  if (!found) {
    t.log(`skipped: ${program} is not installed (${debian})`)
    t.pass()
  }
  return found
}

/** A server with three messages. */
async function withMail(t: ExecutionContext): Promise<Served> {
  const served = await serve(t)
  for (const name of ['one', 'two', 'three']) await served.store.deliver({ id: name, content: message(name) })
  return served
}

const messagesIn = (served: Served, name: string) =>
  served.store.mailboxes().find(mailbox => mailbox.name === name)?.messages

test('curl lists mailboxes, fetches, searches and appends', async t => {
  if (!has(t, 'curl', 'curl')) return
  const served = await withMail(t)
  const url = `imap://127.0.0.1:${served.server.address.port}`
  const curl = (...args: string[]) => run('curl', ['--silent', '--show-error', '--user', 'user:pass', ...args])
  t.regex(await curl(`${url}/`), /LIST .* INBOX/)
  t.is(await curl(`${url}/INBOX;UID=2`), new TextDecoder().decode(message('two')))
  t.is(await curl(`${url}/INBOX;UID=2;SECTION=TEXT`), 'Hello.\r\n')
  t.regex(await curl(`${url}/INBOX?SUBJECT three`.replace(' ', '%20')), /SEARCH 3/)
  const file = join(await temporaryFolder(t), 'message')
  await writeFile(file, message('appended'))
  await curl('--upload-file', file, `${url}/Sent`)
  t.is(messagesIn(served, 'Sent'), 1)
})

test('python imaplib reads, flags, moves and deletes', async t => {
  if (!has(t, 'python3', 'python3')) return
  const served = await withMail(t)
  const script = `
import imaplib, sys
box = imaplib.IMAP4('127.0.0.1', int(sys.argv[1]))
box.login('user', 'pass')
assert box.select('INBOX') == ('OK', [b'3'])
kind, found = box.uid('search', None, '(SUBJECT "two")')
assert found == [b'2'], found
kind, data = box.fetch('1:3', '(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])')
assert [part[1].strip() for part in data if isinstance(part, tuple)] == [b'Subject: one', b'Subject: two', b'Subject: three'], data
assert box.store('1', '+FLAGS', '\\\\Deleted')[0] == 'OK'
assert box.expunge() == ('OK', [b'1'])
assert box.append('Drafts', '\\\\Draft', None, b'Subject: draft\\r\\n\\r\\nx\\r\\n')[0] == 'OK'
assert box.uid('copy', '3', 'Archive')[0] == 'OK'
assert box.create('New')[0] == 'OK'
assert box.close()[0] == 'OK'
assert box.logout()[0] == 'BYE'
`
  await run('python3', ['-c', script, String(served.server.address.port)])
  t.is(messagesIn(served, 'INBOX'), 2)
  t.is(messagesIn(served, 'Drafts'), 1)
  t.is(messagesIn(served, 'Archive'), 1)
  t.is(messagesIn(served, 'New'), 0)
})

/** All messages of a Maildir. */
async function messages(folder: string): Promise<string[]> {
  const names = await Promise.all(
    ['new', 'cur'].map(async inside => (await readdir(join(folder, inside))).map(name => join(folder, inside, name)))
  )
  const texts = await Promise.all(names.flat().map(name => readFile(name, 'utf8')))
  return texts.map(text => /^Subject: (.*?)\r?$/m.exec(text)?.[1] ?? '').sort()
}

test('mbsync synchronizes a Maildir in both directions', async t => {
  if (!has(t, 'mbsync', 'isync')) return
  const served = await withMail(t)
  const folder = await temporaryFolder(t)
  const configuration = join(folder, 'mbsyncrc')
  const lines = [
    'IMAPAccount a',
    'Host 127.0.0.1',
    `Port ${served.server.address.port}`,
    'User user',
    'Pass pass',
    'SSLType None',
    'AuthMechs LOGIN',
    '',
    'IMAPStore far',
    'Account a',
    '',
    'MaildirStore near',
    `Path ${folder}/near/`,
    `Inbox ${folder}/near/INBOX`,
    'SubFolders Verbatim',
    '',
    'Channel all',
    'Far :far:',
    'Near :near:',
    'Patterns *',
    'Create Both',
    'Expunge Both',
    'SyncState *',
    ''
  ]
  await mkdir(join(folder, 'near'))
  await writeFile(configuration, lines.join('\n'))
  const sync = () => run('mbsync', ['-c', configuration, '-a'])
  await sync()
  t.deepEqual(await messages(join(folder, 'near', 'INBOX')), ['one', 'three', 'two'])
  await served.store.deliver({ id: 'four', content: message('four') })
  await writeFile(
    join(folder, 'near', 'INBOX', 'new', '1.local.host'),
    new TextDecoder().decode(message('local')).replaceAll('\r', '')
  )
  const session = await served.selected()
  await session.run('STORE 1 +FLAGS (\\Deleted)')
  await session.run('EXPUNGE')
  await sync()
  t.deepEqual(await messages(join(folder, 'near', 'INBOX')), ['four', 'local', 'three', 'two'])
  t.is(messagesIn(served, 'INBOX'), 4)
})

test('offlineimap fetches all mailboxes', async t => {
  if (!has(t, 'offlineimap', 'offlineimap3')) return
  const served = await withMail(t)
  const folder = await temporaryFolder(t)
  const configuration = join(folder, 'offlineimaprc')
  const lines = [
    '[general]',
    'accounts = a',
    `metadata = ${folder}/metadata`,
    'ui = quiet',
    '[Account a]',
    'localrepository = near',
    'remoterepository = far',
    '[Repository near]',
    'type = Maildir',
    `localfolders = ${folder}/near`,
    '[Repository far]',
    'type = IMAP',
    'remotehost = 127.0.0.1',
    `remoteport = ${served.server.address.port}`,
    'remoteuser = user',
    'remotepass = pass',
    'ssl = no',
    'starttls = no',
    ''
  ]
  await writeFile(configuration, lines.join('\n'))
  await run('offlineimap', ['-o', '-c', configuration])
  t.deepEqual(await messages(join(folder, 'near', 'INBOX')), ['one', 'three', 'two'])
  t.true((await readdir(join(folder, 'near'))).includes('Archive'))
})

test('mutt reads the mailbox, marks a message and saves another', async t => {
  if (!has(t, 'mutt', 'mutt')) return
  const served = await withMail(t)
  const folder = await temporaryFolder(t)
  const configuration = join(folder, 'muttrc')
  const lines = [
    'set imap_user=user',
    'set imap_pass=pass',
    'set ssl_starttls=no',
    'set ssl_force_tls=no',
    'set imap_authenticators=login',
    'set confirmappend=no',
    'set delete=yes',
    'set move=no',
    'set quit=yes',
    'set wait_key=no',
    'set mail_check=0',
    'set timeout=0',
    'set beep=no',
    `set header_cache=""`,
    'push "<flag-message><next-entry><save-message>=Archive<enter><sync-mailbox><quit>"',
    ''
  ]
  await writeFile(configuration, lines.join('\n'))
  const url = `imap://127.0.0.1:${served.server.address.port}`
  const env = { TERM: 'xterm', HOME: folder }
  // mutt wants a terminal: script, of bsdutils, gives it one.
  if (!has(t, 'script', 'bsdutils')) return
  const command = `mutt -n -F ${configuration} -e 'set folder=${url}/' -f ${url}/INBOX`
  await run('script', ['-qec', command, '/dev/null'], { env })
  t.is(messagesIn(served, 'Archive'), 1)
  t.is(messagesIn(served, 'INBOX'), 2)
})
