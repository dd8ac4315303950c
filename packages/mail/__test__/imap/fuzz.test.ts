import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { parseArguments, startOf } from '../../dist/imap/command.js'
import { bodyStructureOf, envelopeOf } from '../../dist/imap/describe.js'
import { decodeHeader } from '../../dist/mime/decode.js'
import { type Part, parseStructure } from '../../dist/mime/structure.js'
import { corpus } from '../clients/corpus.js'
import { ImapClient, parseValues } from '../helpers/imap-client.js'
import { mutated, Random } from '../helpers/random.js'
import { message, serve } from '../helpers/server.js'

/** Minutes of each test; a moment by default. `npm run test:mail -- --fuzz 10` */
const minutes = Number(process.env.FASTN_MAIL_TEST_FUZZ_MINUTES ?? 0.05)
const seed = Number(process.env.FASTN_MAIL_TEST_SEED ?? Date.now() % 1_000_000)

/** Longest time of the processor for one input, in milliseconds. Inputs are a few KiB: what takes longer is not linear. */
const maxMs = 2000

const commands = [
  'LOGIN user pass',
  'CAPABILITY',
  'NOOP',
  'SELECT INBOX',
  'EXAMINE "INBOX" (CONDSTORE)',
  'LIST "" (INBOX %) RETURN (STATUS (MESSAGES) CHILDREN)',
  'LSUB "" *',
  'CREATE a.b',
  'RENAME a.b c',
  'DELETE c',
  'SUBSCRIBE x',
  'STATUS INBOX (MESSAGES UNSEEN UIDNEXT)',
  'ENABLE CONDSTORE',
  'ID ("name" NIL)',
  'NAMESPACE',
  'FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[1.2.HEADER.FIELDS (To From)]<0.100>)',
  'UNSELECT',
  'UID FETCH 1,2:4,* (BODY[TEXT] RFC822.SIZE) (CHANGEDSINCE 1)',
  'STORE 1 (UNCHANGEDSINCE 3) +FLAGS.SILENT (\\Seen $x)',
  'UID EXPUNGE 1:*',
  'SEARCH RETURN (ALL COUNT) CHARSET UTF-8 OR (NOT SEEN) HEADER Subject "x" SINCE 1-Jan-2020 UID 1:*',
  'UID COPY 1 Sent',
  'UID MOVE * Trash',
  'APPEND INBOX (\\Seen) "01-Jan-2020 00:00:00 +0000" {5+}\r\nhello',
  'SELECT {5+}\r\nINBOX',
  'CLOSE',
  'EXPUNGE',
  'CHECK',
  'IDLE\r\nDONE',
  'AUTHENTICATE PLAIN AHVzZXIAcGFzcw==',
  'STARTTLS'
]
const dictionary = [
  '\r\n',
  '\r',
  '\n',
  '\0',
  '"',
  '\\',
  '{',
  '}',
  '{5}',
  '{5+}\r\n',
  '{999999999999}',
  '~{1}',
  '(',
  ')',
  '[',
  ']',
  '<',
  '>',
  '*',
  '%',
  ':',
  ',',
  '.',
  '..',
  ' ',
  '  ',
  '\t',
  'NIL',
  '1:*',
  '4294967295',
  '-1',
  'BODY[',
  'INBOX',
  '&',
  '&-',
  '&AAA-',
  '../',
  '\xff',
  '=?utf-8?q?',
  '?=',
  '--',
  '--outer',
  '--=_b--',
  'Content-Type: multipart/mixed; boundary=b',
  'Content-Type: message/rfc822\r\n\r\n',
  ';',
  '=',
  '@',
  '(((',
  '"""',
  'boundary="',
  'charset='
]

function* inputs(name: string, log: (text: string) => void): Generator<Random, void, undefined> {
  log(`${name}: seed ${seed}`)
  const random = new Random(seed)
  const until = Date.now() + minutes * 60_000
  while (Date.now() < until) yield random
}

function timed<Result>(input: string, work: () => Result): Result {
  const started = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(started)
  const took = (user + system) / 1000
  if (took > maxMs) throw new Error(`${Math.round(took)} ms for ${JSON.stringify(input.slice(0, 500))}`)
  return result
}

test('arguments of commands are parsed or refused', t => {
  t.timeout(minutes * 60_000 + 60_000)
  let count = 0
  for (const random of inputs('commands', t.log)) {
    const text = mutated(random, `a1 ${random.of(commands)}`, dictionary).replace(/\{\d+\+?\}\r\n/g, '{0}\r\n')
    timed(text, () => {
      try {
        const { tag, rest } = startOf(text)
        parseArguments(tag, rest, ['literal'])
      } catch (error) {
        if ((error as Error).constructor.name !== 'BadCommand') throw new Error(JSON.stringify(text), { cause: error })
      }
    })
    count++
  }
  t.true(count > 100)
})

test('arbitrary bytes are described as a message', t => {
  t.timeout(minutes * 60_000 + 60_000)
  let count = 0
  for (const random of inputs('messages', t.log)) {
    const text = mutated(random, random.of(corpus), dictionary)
    timed(text, () => {
      const bytes = Buffer.from(text, 'latin1')
      const structure = parseStructure(bytes)
      checkRanges(structure, bytes.length)
      const [parsed] = parseValues(bodyStructureOf(structure, true))
      const [envelope] = parseValues(envelopeOf(structure.fields))
      if (!Array.isArray(parsed) || !Array.isArray(envelope) || envelope.length !== 10)
        throw new Error(JSON.stringify(text))
      for (const { value } of structure.fields) decodeHeader(value)
    })
    count++
  }
  t.true(count > 100)
})

function checkRanges({ start, body, end, parts, message: inner }: Part, length: number): void {
  if (!(0 <= start && start <= body && body <= end && end <= length))
    throw new Error(`a part is from ${start} to ${end}`)
  for (const inside of inner ? [inner] : parts) {
    if (inside.start < body || inside.end > end) throw new Error('a part is not inside of its parent')
    checkRanges(inside, length)
  }
}

test('sessions with arbitrary bytes do not affect others, and leak no memory', async t => {
  t.timeout(minutes * 60_000 + 120_000)
  const served = await serve(t, { limits: { loginTimeoutMs: 10_000, stallTimeoutMs: 10_000, idleTimeoutMs: 10_000 } })
  for (const [at, text] of corpus.entries())
    await served.store.deliver({ id: String(at), content: Buffer.from(text, 'latin1') })
  const memory: number[] = []
  for (const random of inputs('sessions', t.log)) {
    await Promise.all(Array.from({ length: 4 }, () => attack(random, served.server.address.port)))
    await served.store.deliver({ id: `new ${random.below(2 ** 32)}`, content: message('new') }).catch(() => {})
    const session = await served.selected()
    t.is((await session.run('NOOP')).status, 'OK')
    session.close()
    memory.push(process.memoryUsage().rss)
  }
  while (served.server.connections > 0) await new Promise(resolve => setTimeout(resolve, 50))
  t.deepEqual(await readdir(join(served.folder, 'tmp')), [])
  t.deepEqual(served.errors, [])
  t.true(Math.max(...memory) < 600 * 1024 * 1024, `${Math.max(...memory)} bytes`)
})

async function attack(random: Random, port: number): Promise<void> {
  const client = await ImapClient.connect(port)
  const hasLogin = random.below(4) > 0
  const lines = Array.from({ length: 1 + random.below(8) }, (_, at) => {
    const command = random.of(commands)
    return `f${at} ${random.below(3) === 0 ? command : mutated(random, command, dictionary)}\r\n`
  })
  client.raw((hasLogin ? 'l LOGIN user pass\r\ns SELECT INBOX\r\n' : '') + lines.join(''))
  if (random.below(3) > 0) client.socket.end()
  await Promise.race([client.closed(), new Promise(resolve => setTimeout(resolve, 100))])
  client.close()
}
