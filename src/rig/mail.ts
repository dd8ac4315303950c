import { join } from 'node:path'
import type { AccountRule } from '../account/data.js'
import { FastnNetError, type Protocol } from '../errors.js'
import { localCertificate } from './certificate.js'
import { RigConfigError } from './config-error.js'
import { addressOf } from './services/peer-address.js'
import type { PlannedService } from './services/plan.js'
import type { RunningService, StartService } from './services/service.js'
import type { Settings } from './services/settings.js'

/** Name of mail among the services. */
export const mailName = 'mail'

const protocol: Protocol = { Generic: { fastn: 'mail', v: 1 } }

/** The part of `fastn-mail` that the rig uses. */
interface MailModule {
  startMail(options: object): Promise<RunningMail>
  openMailStore(options: { folder: string }): Promise<OpenMailStore>
  hashPassword(password: string): Promise<string>
}

interface RunningMail {
  readonly addresses: readonly string[]
  readonly smtp: { readonly host: string; readonly port: number } | undefined
  readonly imap: { readonly host: string; readonly port: number } | undefined
  readonly connections: number
  readonly queued: number
  queue(): readonly unknown[]
  close(options: { timeout: number }): Promise<void>
}

/** A Maildir for `import`. */
export interface OpenMailStore {
  deliver(mail: {
    id: string
    mailbox: string
    content: Uint8Array
    flags: readonly string[]
    receivedAt: Date
  }): Promise<{ duplicate: boolean }>
  close(): void
}

/** Ports from environment variables, which have precedence. */
export interface MailPorts {
  readonly smtp: number | undefined
  readonly imap: number | undefined
}

/** Folders of the account's mail and of the certificate. */
export interface MailPlaces {
  readonly mail: string
  readonly tls: string
}

/** Addresses of the servers, for the configuration of clients. */
export interface MailServers {
  readonly smtp: number
  readonly imap: number | undefined
}

/** Keyed by the mail folder, because a reload that does not change mail creates no new service. */
const running = new Map<string, MailServers>()

/** Addresses of the servers of a folder; `undefined` while none runs. */
export function serversOf(folder: string): MailServers | undefined {
  return running.get(folder)
}

/** Checks the table `[mail]`. */
export function planMail(
  table: Settings,
  { identity, ports, places }: { identity: string; ports: MailPorts; places: MailPlaces }
): PlannedService {
  table.expect(['identity', 'host', 'smtp-port', 'imap-port', 'imap', 'allow', 'public', 'legacy', 'users'])
  const host = table.text('host')
  const { who } = table.access()
  const legacy = table.choice('legacy', ['refuse', 'junk', 'accept']) ?? 'refuse'
  const users = usersOf(table.table('users'))
  const smtpPort = ports.smtp ?? table.port('smtp-port') ?? 2525
  const imapPort = ports.imap ?? table.port('imap-port') ?? 1143
  const hasImap = table.flag('imap', true)
  const start: StartService = async (endpoint, _signal, account) => {
    const module = await loadMail()
    const { cert, key } = await localCertificate(places.tls)
    const server = { ...(host !== undefined && { host }), tls: { cert, key } }
    const smtp = { ...server, port: smtpPort }
    const imap = hasImap ? { ...server, port: imapPort } : false
    const address = (id52: string) => addressOf(id52, account)
    const options = { endpoint, account, folder: places.mail, users, smtp, imap, legacy, allow: 'everyone', address }
    const mail = await module.startMail(options).catch((error: unknown) => {
      throw failed(error)
    })
    if (mail.smtp !== undefined) running.set(places.mail, { smtp: mail.smtp.port, imap: mail.imap?.port })
    return service(mail, () => running.delete(places.mail))
  }
  const rule = (each: AccountRule['who'], of: Protocol): AccountRule => ({ who: each, protocol: of, effect: 'allow' })
  const rules = [rule('devices', protocol), rule(who === 'public' ? 'everyone' : who, protocol)]
  if (legacy !== 'refuse') rules.push(rule('everyone', 'EmailDelivery'))
  return {
    name: mailName,
    kind: mailName,
    identity,
    fingerprint: JSON.stringify([table, identity, smtpPort, imapPort]),
    rules,
    claims: [mailName],
    start,
    // The folder is locked, so a trial beside the old service is not possible.
    probe: async () => {
      await loadMail()
      return { address: '', port: null, connections: 0, closed: Promise.resolve(), close: async () => {} }
    }
  }
}

function usersOf(tables: Settings): Record<string, object> {
  const { keys } = tables
  if (keys.length === 0)
    throw new RigConfigError(['mail', 'users'], 'a user is missing: add a table such as [mail.users.ada]')
  return Object.fromEntries(
    keys.map(name => {
      const table = tables.table(name)
      table.expect(['password', 'aliases', 'quota'])
      const [password, aliases] = [table.text('password'), table.texts('aliases')]
      const quotaBytes = table.count('quota')
      return [
        name,
        { password, ...(aliases.length > 0 && { aliases }), ...(quotaBytes !== undefined && { quotaBytes }) }
      ]
    })
  )
}

function service(mail: RunningMail, onEnd: () => void): RunningService {
  const { addresses, smtp, imap } = mail
  let end = () => {}
  const closed = new Promise<void>(resolve => {
    end = resolve
  })
  const listens = [smtp && `smtp ${smtp.host}:${smtp.port}`, imap && `imap ${imap.host}:${imap.port}`]
  return {
    address: [addresses[0], ...listens.filter(each => each !== undefined)].join(' '),
    port: null,
    get connections() {
      return mail.connections
    },
    get queued() {
      return mail.queued
    },
    queue: () => mail.queue(),
    closed,
    close: async ({ timeout }) => {
      onEnd()
      // The next service needs the folder.
      await mail.close({ timeout: Math.min(timeout, 1_000) }).finally(end)
    }
  }
}

/** Loads `fastn-mail`. */
export async function loadMail(): Promise<MailModule> {
  // Not a literal, so that bundlers and tsc do not resolve it.
  const name = 'fastn-mail'
  try {
    return (await import(name)) as MailModule
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_MODULE_NOT_FOUND')
      throw new FastnNetError('ERR_INVALID_ARGUMENT', '[mail] needs the package fastn-mail: npm install fastn-mail', {
        phase: 'rig',
        cause: error
      })
    const advice = 'it needs Node.js 22.13 or newer, Bun or Deno'
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `fastn-mail cannot be loaded: ${advice}`, {
      phase: 'rig',
      cause: error
    })
  }
}

/** Converts errors of `fastn-mail` and of the system into errors of the library. */
function failed(error: unknown): unknown {
  if (error instanceof FastnNetError) return error
  const { code, message } = error as NodeJS.ErrnoException
  // Both mean that the old service has not ended, or that another program uses the port or folder.
  const isTaken = code === 'EADDRINUSE' || code === 'ERR_BUSY'
  const found = isTaken ? 'ERR_LISTEN' : code === 'ERR_INVALID_ARGUMENT' ? code : 'ERR_FILE'
  return new FastnNetError(found, message, { phase: 'rig', cause: error })
}

/** The hash of a mail password. */
export async function hashMailPassword(password: string): Promise<string> {
  return await (await loadMail()).hashPassword(password)
}

/** Folder of the mail of an account. */
export function mailFolder(accounts: string, account: string): string {
  return join(accounts, account, 'mail')
}

/** Mail belongs to an account, never to the rig itself. */
export function checkMailIdentity(account: string | null): string {
  if (account !== null) return account
  throw new RigConfigError(['mail', 'identity'], "'identity' in [mail] must be an account, not the rig")
}
