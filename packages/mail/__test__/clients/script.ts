import { Buffer } from 'node:buffer'
import { type Answer, fetched, type ImapClient, parseValues, type Value } from '../helpers/imap-client.js'
import { corpus } from './corpus.js'

/** What a server answered to one command, without what may differ between servers. */
export interface Step {
  readonly command: string
  readonly status: string
  readonly seen: unknown
}

/** Sections that are fetched of each message of the corpus. */
const sections = [
  '',
  'HEADER',
  'TEXT',
  '1',
  '2',
  '1.1',
  '1.2',
  '2.1',
  '2.2',
  '1.MIME',
  '2.MIME',
  '1.HEADER',
  '2.HEADER',
  '2.TEXT',
  '2.2.MIME'
]
const fields = ['HEADER.FIELDS (Subject from)', '2.HEADER.FIELDS (SUBJECT)']

const searches = [
  'ALL',
  'SEEN',
  'UNSEEN',
  'FLAGGED',
  'NOT FLAGGED',
  'KEYWORD $Forwarded',
  'UNKEYWORD $Forwarded',
  'OR FLAGGED ANSWERED',
  'DELETED',
  '1:3,5',
  '2:* UNSEEN',
  'UID 1:3',
  '(SEEN 1:4)',
  'FROM example',
  'FROM "Quoted, Name"',
  'TO group',
  'TO two@example',
  'CC undisclosed',
  'SUBJECT nested',
  'SUBJECT "FOLDED  TWICE"',
  'HEADER message-id addresses',
  'HEADER X-None ""',
  'HEADER Subject ""',
  'BODY "looking for"',
  'TEXT example.org',
  'BODY M\u00fcnchen',
  'SUBJECT gr\u00fc\u00dfe',
  'SINCE 1-Jan-2020',
  'BEFORE 2-Jan-2020',
  'ON 1-Jan-2020',
  'SENTON 7-Feb-1994',
  'SENTSINCE 8-Feb-1994',
  'SENTBEFORE 8-Feb-1994',
  'LARGER 500',
  'SMALLER 100',
  'NOT (OR SEEN FLAGGED)',
  'BODY "deep text"'
]

/** Runs one script on a new account. Two servers that are alike return the same. */
export async function runScript(client: ImapClient, other: ImapClient): Promise<Step[]> {
  const steps: Step[] = []
  const run = async (command: string, ...parts: string[]) => {
    const answer = await client.run(Buffer.from(command, 'utf8').toString('latin1'), ...parts)
    steps.push({ command, status: statusOf(answer), seen: normalised(answer.untagged) })
  }
  await run('LIST "" "*"')
  await run('LIST (SPECIAL-USE) "" "*"')
  await run('NAMESPACE')
  await run('SELECT INBOX')
  for (const command of ['FETCH 1:* FLAGS', 'FETCH * FLAGS', 'STORE 1:* +FLAGS (\\Seen)', 'COPY 1:* Trash'])
    await run(command)
  for (const command of ['SEARCH 1:*', 'SEARCH *', 'SEARCH 1', 'UID FETCH 1:* FLAGS', 'UID SEARCH UID 1:*'])
    await run(command)
  await run('UNSELECT')
  for (const [at, text] of corpus.entries()) {
    const flags = ['(\\Seen)', '(\\Flagged $Forwarded)', '(\\Answered \\Draft)', ''][at % 4]
    const date = at % 2 === 0 ? '" 1-Jan-2020 10:00:00 +0000"' : '"02-Feb-2021 23:30:00 -0500"'
    await run(`APPEND INBOX ${flags} ${date} {${text.length}}`, `${text}\r\n`)
  }
  await run('STATUS INBOX (MESSAGES RECENT UIDNEXT UNSEEN)')
  await run('EXAMINE INBOX')
  await run('SELECT INBOX')
  await run('FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)')
  await run('FETCH 1:* ENVELOPE')
  await run('FETCH 1:* BODYSTRUCTURE')
  await run('FETCH 1:* BODY')
  await run('FETCH * FULL')
  for (const section of [...sections, ...fields]) await run(`FETCH 1:* BODY.PEEK[${section}]`)
  await run('UID FETCH 1:5 (BODY.PEEK[]<10.20> BODY.PEEK[TEXT]<0.5> BODY.PEEK[HEADER]<100000.5> RFC822.HEADER)')
  for (const search of searches) {
    const words = /[^\x20-\x7e]/.test(search)
      ? `CHARSET UTF-8 ${search.replace(/(\S*[^\x20-\x7e]\S*)$/, '"$1"')}`
      : search
    await run(`SEARCH ${words}`)
  }
  await run('UID SEARCH RETURN (MIN MAX COUNT ALL) NOT FLAGGED')
  await run('UID SEARCH RETURN (COUNT) SUBJECT nothing')
  await run('FETCH 2 RFC822.TEXT')
  await run('FETCH 2 FLAGS')
  await run('STORE 1:3 +FLAGS (\\Deleted custom)')
  await run('STORE 2 -FLAGS.SILENT (custom)')
  await run('STORE 3 FLAGS (\\Seen)')
  await run('UID STORE 4 FLAGS.SILENT ()')
  await run('FETCH 1:5 FLAGS')
  await run('COPY 1:2 Archive')
  await run('COPY 1 Missing')
  await run('UID MOVE 4,6 Archive')
  await run('UID COPY 900 Archive')
  await other.run('SELECT INBOX')
  await other.run('STORE 5 +FLAGS (\\Flagged)')
  await run('NOOP')
  await other.run('UID STORE 1 +FLAGS (\\Deleted)')
  await other.run('UID EXPUNGE 1')
  await run('NOOP')
  await run('UID EXPUNGE 1:3')
  await run('EXPUNGE')
  await run('STATUS Archive (MESSAGES UIDNEXT UNSEEN)')
  await run('SELECT Archive')
  await run('FETCH 1:* (UID FLAGS RFC822.SIZE)')
  await run('CLOSE')
  await run('STATUS Archive (MESSAGES)')
  await mailboxes(run)
  await refusals(run)
  return steps
}

async function mailboxes(run: (command: string) => Promise<void>): Promise<void> {
  for (const name of ['Lists.rust', 'Lists.node', '"With space"', '&Jjo-', 'Lists.rust.deep']) {
    await run(`CREATE ${name}`)
    await run(`SUBSCRIBE ${name}`)
  }
  await run('CREATE Lists.rust')
  for (const pattern of ['*', '%', 'Lists.%', 'Lists*', 'L%.r*', 'inbox', 'none', '%.%', ''])
    await run(`LIST "" "${pattern}"`)
  await run('LIST "Lists." %')
  await run('LIST "" (INBOX Lists.%) RETURN (SUBSCRIBED CHILDREN)')
  await run('LIST (SUBSCRIBED) "" "*" RETURN (SPECIAL-USE)')
  await run('LIST "" Lists.% RETURN (STATUS (MESSAGES))')
  await run('LSUB "" "Lists.*"')
  await run('LSUB "" "%"')
  await run('UNSUBSCRIBE Lists.node')
  await run('LSUB "" "Lists.*"')
  await run('RENAME Lists.rust Langs.rust')
  await run('LIST "" "L*"')
  await run('RENAME Lists.none x')
  await run('RENAME Lists.node INBOX')
  await run('DELETE Langs.rust.deep')
  await run('DELETE Langs.rust')
  await run('DELETE Langs.rust')
  await run('DELETE INBOX')
  await run('LIST "" "L*"')
  await run('SELECT none')
}

async function refusals(run: (command: string, ...parts: string[]) => Promise<void>): Promise<void> {
  await run('SELECT INBOX')
  for (const command of [
    'NONSENSE',
    'FETCH',
    'FETCH 1',
    'FETCH 0 FLAGS',
    'FETCH 1:a FLAGS',
    'FETCH 99 FLAGS',
    'FETCH 1 (FLAGS',
    'FETCH 1 NOTHING',
    'FETCH 1 BODY[',
    'STORE 1 XFLAGS (a)',
    'STORE 1 FLAGS (\\Unknown)',
    'SEARCH',
    'SEARCH NOTHING',
    'SEARCH CHARSET x-none TEXT a',
    'SEARCH SINCE yesterday',
    'COPY 1',
    'STATUS INBOX (NOTHING)',
    'LOGIN user pass',
    'UID',
    'UID NOOP',
    'CREATE',
    'APPEND INBOX'
  ]) {
    await run(command)
    await run('NOOP')
  }
  await run('APPEND Missing {3}', 'abc\r\n')
  await run('UNSELECT')
  await run('FETCH 1 FLAGS')
}

/** The status, and the response code without numbers that each server chooses. */
function statusOf({ status, text }: Answer): string {
  const code = /^\[([^\]]*)\]/.exec(text)?.[1] ?? ''
  const known = /^(APPENDUID|COPYUID) \d+ (.*)$/.exec(code)
  if (known) return `${status} ${known[1]} ${known[2]}`
  return /^(READ-ONLY|READ-WRITE|TRYCREATE|MODIFIED)/.test(code) ? `${status} ${code}` : status
}

/** Untagged responses by kind, without order where none is given, and without UIDVALIDITY, modification sequences and texts. */
function normalised(untagged: readonly string[]): unknown {
  const lines: unknown[] = []
  for (const line of untagged) {
    const [first = '', second = ''] = line.split(' ', 2)
    if (second === 'FETCH' || second === 'RECENT' || first === 'FLAGS') continue
    if (first === 'OK') {
      const code = /^OK \[(UNSEEN \d+|UIDNEXT \d+|COPYUID[^\]]*)\]/.exec(line)?.[1]
      if (code) lines.push(code.startsWith('COPYUID') ? code.split(' ').slice(2) : sorted(parseValues(code)))
    } else if (first === 'LIST' || first === 'LSUB') lines.push(mailbox(parseValues(line)))
    else if (first === 'ESEARCH') lines.push(line.replace(/\(TAG "[^"]*"\) /, ''))
    else lines.push(sorted(parseValues(line)))
  }
  lines.sort((one, two) => (JSON.stringify(one) < JSON.stringify(two) ? -1 : 1))
  const messages = [...fetched(untagged)]
    .sort(([one], [two]) => one - two)
    .map(([number, items]) => [number, message(items)])
  return { lines, messages }
}

function message(items: Map<string, Value>): unknown {
  // Some servers tell of the UID with the flags, some of neither.
  const isOfFlags = items.has('FLAGS') && !items.has('RFC822.SIZE')
  const known = [...items]
    .filter(([name]) => name !== 'MODSEQ' && !(isOfFlags && name === 'UID'))
    .map(([name, value]): [string, Value] => {
      if (name === 'FLAGS') return [name, sorted(value as Value[])]
      // A server may send an empty text for a part that does not exist.
      if (name.startsWith('BODY[')) return [name, value ?? '']
      return [name, name === 'INTERNALDATE' ? (value as string).trim().replace(/^0/, '') : value]
    })
  return Object.fromEntries(known.sort(([one], [two]) => (one < two ? -1 : 1)))
}

/** Flags in an order, without case, and without those that one session sees and another does not. */
function sorted(values: Value[]): Value[] {
  if (!values.every(value => typeof value === 'string')) return values
  return values
    .filter(value => value !== '\\Recent')
    .map(value => value as string)
    .sort()
}

/** LIST and LSUB: attributes of what the mailbox is, in an order. */
function mailbox([kind, attributes, separator, name]: Value[]): Value[] {
  const kept = (attributes as string[]).map(attribute => attribute.toLowerCase())
  // What has children is told by some servers only when it is asked for; that a level does not exist, in two ways.
  const flags = kept
    .filter(attribute => !/children$/.test(attribute) && (kind !== 'LSUB' || attribute === '\\noselect'))
    .map(attribute => (attribute === '\\nonexistent' ? '\\noselect' : attribute))
  return [kind ?? '', flags.sort(), separator ?? '', name ?? '']
}
