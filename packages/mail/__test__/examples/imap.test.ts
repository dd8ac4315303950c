import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import {
  dovecotConfiguration,
  dovecotPassword,
  dovecotUsers,
  type ImapOptions,
  openMailStore,
  startImap as startServer
} from 'fastn-mail'
import { certificate } from '../helpers/certificate.js'
import { ImapClient } from '../helpers/imap-client.js'
import { message as newMessage, temporaryFolder } from '../helpers/server.js'

test('the snippets of the guide about IMAP', async t => {
  const root = await temporaryFolder(t)
  const tls = certificate(root)
  if (!tls) throw new Error('openssl made no certificate')
  const { key, cert } = tls
  const folder = join(root, 'mail')
  const [secret, message] = ['secret', newMessage('news')]
  // A free port.
  const startImap = (options: ImapOptions) => startServer({ ...options, port: 0 })
  // #region imap
  const store = await openMailStore({ folder, quotaBytes: 10 * 1024 ** 3 })
  const server = await startImap({
    port: 1143,
    tls: { key, cert },
    authenticate: (user, password) => (user === 'ada' && password === secret ? store : undefined)
  })
  const { uid } = await store.deliver({ id: 'news-1', content: message, mailbox: 'Lists.news', flags: ['\\Flagged'] })
  // #endregion
  t.is(uid, 1)
  const client = await (await ImapClient.connect(server.address.port)).login('ada', secret)
  t.is(
    (await client.run('SELECT Lists.news')).untagged.find(line => line.endsWith('EXISTS')),
    '1 EXISTS'
  )
  await server.close()
  store.close()

  const [usersFile, runFolder, configuration] = [join(root, 'users'), join(root, 'run'), join(root, 'dovecot.conf')]
  // #region dovecot
  const users = [{ name: 'ada', folder, password: dovecotPassword(secret), uid: 1000, gid: 1000 }]
  await writeFile(usersFile, dovecotUsers(users), { mode: 0o600 })
  const options = { version: '2.3', runFolder, usersFile, systemUser: 'ada', port: 1143 } as const
  await writeFile(configuration, dovecotConfiguration(options))
  // #endregion
  t.regex(await readFile(usersFile, 'utf8'), /^ada:\{PBKDF2\}\$1\$[\w-]+\$\d+\$[0-9a-f]{40}:1000:1000::/)
  t.regex(await readFile(configuration, 'utf8'), /port = 1143/)
})
