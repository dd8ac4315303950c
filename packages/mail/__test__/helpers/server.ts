import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type ImapOptions, type ImapServer, type MailStore, openMailStore, startImap } from 'fastn-mail'
import { ImapClient } from './imap-client.js'

export { message } from './message.js'

/** A folder that is removed after the test. */
export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fastn-mail-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

export interface Served {
  readonly folder: string
  readonly store: MailStore
  readonly server: ImapServer
  readonly errors: unknown[]
  /** A client that has logged in. */
  client(): Promise<ImapClient>
  /** A client that has selected a mailbox. */
  selected(mailbox?: string): Promise<ImapClient>
}

/** A server with a store of its own, for the user `user` with the password `pass`. */
export async function serve(t: ExecutionContext, options: Partial<ImapOptions> = {}): Promise<Served> {
  const folder = join(await temporaryFolder(t), 'mail')
  const store = await openMailStore({ folder })
  const errors: unknown[] = []
  const server = await startImap({
    authenticate: (user, password) => (user === 'user' && password === 'pass' ? store : undefined),
    onError: error => errors.push(error),
    ...options
  })
  t.teardown(async () => {
    await server.close({ timeout: 0 })
    store.close()
    if (errors.length > 0) throw new AggregateError(errors, 'the server met errors that it did not expect')
  })
  const client = async () => {
    const connected = await ImapClient.connect(server.address.port)
    t.teardown(() => connected.close())
    return await connected.login()
  }
  const selected = async (mailbox = 'INBOX') => {
    const connected = await client()
    await connected.run(`SELECT ${mailbox}`)
    return connected
  }
  return { folder, store, server, errors, client, selected }
}
