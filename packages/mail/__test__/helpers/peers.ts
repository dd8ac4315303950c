import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { hashPassword, type Mail, type MailEvent, type MailOptions, startMail } from 'fastn-mail'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'

export const password = 'correct horse'
// A hash takes a tenth of a second, and each peer needs one.
export const hashed = hashPassword(password)

/** A peer with mail. */
export interface MailPeer {
  readonly endpoint: Endpoint
  readonly mail: Mail
  readonly folder: string
  readonly events: MailEvent[]
  /** Address of a user, by default of the first. */
  address(alias?: string): string
  /** Messages of a user's INBOX, or another mailbox. */
  messages(user?: string, mailbox?: string): Promise<Buffer[]>
  /** Waits for an event. */
  event(type: MailEvent['type'], isIt?: (event: MailEvent) => boolean): Promise<MailEvent>
}

/** A folder that is removed after the test. */
export async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'fastn-mail-'))
  t.teardown(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}

const known = new Map<string, Endpoint>()

/** Starts an endpoint with mail for the user ada, or those given. It ends after the test. */
export async function mailPeer(t: ExecutionContext, options: Partial<MailOptions> = {}): Promise<MailPeer> {
  const endpoint = options.endpoint ?? (await getEndpoint(SecretKey.generate(), { network: 'loopback' }))
  known.set(endpoint.id52, endpoint)
  const path = options.folder ?? (await folder(t))
  const events: MailEvent[] = []
  const waiting = new Set<() => void>()
  const mail = await startMail({
    users: { ada: { password: await hashed } },
    smtp: { port: 0 },
    imap: false,
    allow: 'everyone',
    address: id52 => known.get(id52)?.address() ?? id52,
    ...options,
    endpoint,
    folder: path,
    onEvent(event) {
      events.push(event)
      options.onEvent?.(event)
      for (const look of waiting) look()
    }
  })
  t.teardown(async () => {
    await mail.close({ timeout: 1000 })
    await endpoint.close()
  })
  const [first = 'ada'] = Object.keys(options.users ?? { ada: {} })
  return {
    endpoint,
    mail,
    folder: path,
    events,
    address: (alias = first) => `${alias}@${endpoint.id52}.fastn`,
    messages: (user = first, mailbox) => messagesIn(join(path, 'users', user), mailbox),
    event: (type, isIt = () => true) =>
      new Promise(resolve => {
        const look = () => {
          const found = events.find(event => event.type === type && isIt(event))
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      })
  }
}

/** The messages of a Maildir, in the order of their names. */
export async function messagesIn(path: string, mailbox?: string): Promise<Buffer[]> {
  const found: Buffer[] = []
  for (const state of ['new', 'cur']) {
    const inside = join(path, ...(mailbox === undefined ? [] : [`.${mailbox}`]), state)
    for (const name of (await readdir(inside).catch(() => [])).sort()) found.push(await readFile(join(inside, name)))
  }
  return found
}
