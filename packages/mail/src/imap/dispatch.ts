import { BadCommand } from './command.js'
import { fetch } from './commands/fetch.js'
import { idle } from './commands/idle.js'
import * as mailboxes from './commands/list.js'
import * as messages from './commands/messages.js'
import { search } from './commands/search.js'
import * as selecting from './commands/select.js'
import * as sessions from './commands/session-commands.js'
import type { ReadCommand } from './read-command.js'
import type { Session } from './session.js'

/** Runs a command, and resolves to the text after its tag. */
type Handler = (session: Session, command: ReadCommand) => Promise<string>

interface CommandKind {
  readonly run: Handler
  /** Required state: before login, any, after login, or with a mailbox selected. */
  readonly state: 'stranger' | 'any' | 'user' | 'selected'
  /** Whether sequence numbers must not change while it runs, so removals are not reported. */
  readonly keepsNumbers?: boolean
}

const commands: ReadonlyMap<string, CommandKind> = new Map(
  Object.entries({
    CAPABILITY: { run: sessions.capability, state: 'any' },
    NOOP: { run: sessions.noop, state: 'any' },
    LOGOUT: { run: sessions.logout, state: 'any' },
    ID: { run: sessions.id, state: 'any' },
    STARTTLS: { run: sessions.starttls, state: 'stranger' },
    LOGIN: { run: sessions.login, state: 'stranger' },
    AUTHENTICATE: { run: sessions.authenticate, state: 'stranger' },
    ENABLE: { run: sessions.enable, state: 'user' },
    NAMESPACE: { run: sessions.namespace, state: 'user' },
    SELECT: { run: selecting.select, state: 'user' },
    EXAMINE: { run: selecting.examine, state: 'user' },
    STATUS: { run: selecting.status, state: 'user' },
    LIST: { run: mailboxes.list, state: 'user' },
    LSUB: { run: mailboxes.lsub, state: 'user' },
    CREATE: { run: mailboxes.create, state: 'user' },
    DELETE: { run: mailboxes.deleteMailbox, state: 'user' },
    RENAME: { run: mailboxes.rename, state: 'user' },
    SUBSCRIBE: { run: mailboxes.subscribe, state: 'user' },
    UNSUBSCRIBE: { run: mailboxes.unsubscribe, state: 'user' },
    APPEND: { run: messages.append, state: 'user' },
    IDLE: { run: idle, state: 'user' },
    CHECK: { run: sessions.noop, state: 'selected' },
    CLOSE: { run: messages.close, state: 'selected' },
    UNSELECT: { run: selecting.unselect, state: 'selected' },
    EXPUNGE: { run: messages.expunge, state: 'selected' },
    FETCH: { run: fetch, state: 'selected', keepsNumbers: true },
    STORE: { run: messages.store, state: 'selected', keepsNumbers: true },
    SEARCH: { run: search, state: 'selected', keepsNumbers: true },
    COPY: { run: messages.copy, state: 'selected' },
    MOVE: { run: messages.move, state: 'selected' },
    'UID FETCH': { run: fetch, state: 'selected' },
    'UID STORE': { run: messages.store, state: 'selected' },
    'UID SEARCH': { run: search, state: 'selected' },
    'UID COPY': { run: messages.copy, state: 'selected' },
    'UID MOVE': { run: messages.move, state: 'selected' },
    'UID EXPUNGE': { run: messages.uidExpunge, state: 'selected' }
  } satisfies Record<string, CommandKind>)
)

/** Runs a command and reports changes of the selected mailbox. Resolves to the text after the tag. */
export async function dispatch(session: Session, command: ReadCommand): Promise<string> {
  const kind = commands.get(command.name)
  if (!kind) throw new BadCommand('the command is unknown')
  if (kind.state === 'stranger' && session.store) throw new BadCommand('the session is already logged in')
  if ((kind.state === 'user' || kind.state === 'selected') && !session.store) throw new BadCommand('log in first')
  if (kind.state === 'selected' && !session.view) throw new BadCommand('select a mailbox first')
  try {
    return await kind.run(session, command)
  } finally {
    if (session.view) await session.sync(!kind.keepsNumbers)
  }
}
