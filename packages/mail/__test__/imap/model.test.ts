import { readdir, rename, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { type Answer, fetched, type ImapClient, parseValues } from '../helpers/imap-client.js'
import { Random } from '../helpers/random.js'
import { message, serve } from '../helpers/server.js'

const seed = Number(process.env.FASTN_MAIL_TEST_SEED ?? Date.now() % 1_000_000)
const steps = 150

/** A client that believes what it is told, and nothing else: its messages by sequence number, with their flags as far as they are known. */
class Believer {
  readonly client: ImapClient
  readonly flags: (string | undefined)[] = []

  constructor(client: ImapClient) {
    this.client = client
  }

  async run(command: string): Promise<Answer> {
    const answer = await this.client.run(command)
    for (const line of answer.untagged) this.#hear(line)
    // The server does not tell what the client has asked for in silence.
    if (command.includes('SILENT')) this.flags.fill(undefined)
    return answer
  }

  #hear(line: string): void {
    const [number = '', kind] = line.split(' ', 2)
    const at = Number(number) - 1
    if (kind === 'EXISTS') {
      if (Number(number) < this.flags.length)
        throw new Error(`EXISTS ${number} takes messages away from ${this.flags.length}`)
      while (this.flags.length < Number(number)) this.flags.push(undefined)
    } else if (kind === 'EXPUNGE') {
      if (at >= this.flags.length) throw new Error(`EXPUNGE ${number} of ${this.flags.length}`)
      this.flags.splice(at, 1)
    } else if (kind === 'FETCH') {
      if (at >= this.flags.length) throw new Error(`FETCH ${number} of ${this.flags.length}`)
      const flags = fetched([line])
        .get(at + 1)
        ?.get('FLAGS')
      if (flags) this.flags[at] = known(flags as string[])
    }
  }
}

const known = (flags: readonly string[]) =>
  flags
    .filter(flag => flag !== '\\Recent')
    .sort()
    .join(' ')

test('the state reported to a session matches the mailbox', async t => {
  t.log(`seed ${seed}`)
  const random = new Random(seed)
  const served = await serve(t)
  for (let id = 0; id < 20; id++) await served.store.deliver({ id: String(id), content: message(String(id)) })
  const believers: Believer[] = []
  for (let count = 0; count < 3; count++) {
    const believer = new Believer(await served.client())
    await believer.run('SELECT INBOX')
    believers.push(believer)
  }
  for (let step = 0; step < steps; step++) {
    const believer = random.of(believers)
    if (random.below(8) === 0) await otherProgram(random, served.folder)
    else await believer.run(commandFor(random, believer.flags.length, step))
  }
  const truth = await served.client()
  // What another program changed last is noticed with the next scan.
  let differences = await compare(truth, believers)
  for (const until = Date.now() + 15_000; differences.length > 0 && Date.now() < until; ) {
    await new Promise(resolve => setTimeout(resolve, 100))
    differences = await compare(truth, believers)
  }
  t.deepEqual(differences, [])
})

async function compare(truth: ImapClient, believers: readonly Believer[]): Promise<string[]> {
  await truth.run('SELECT INBOX')
  const all = fetched((await truth.run('FETCH 1:* (UID FLAGS)')).untagged)
  const uids = [...all.values()].map(items => items.get('UID')).join()
  const differences: string[] = []
  for (const [number, believer] of believers.entries()) {
    await believer.run('NOOP')
    const { untagged } = await believer.run('UID SEARCH ALL')
    const found = parseValues(untagged.find(line => line.startsWith('SEARCH')) ?? '').slice(1)
    if (found.join() !== uids || believer.flags.length !== all.size)
      differences.push(`${number} has ${found}, not ${uids}`)
    for (const [at, flags] of believer.flags.entries()) {
      const actual = known((all.get(at + 1)?.get('FLAGS') ?? []) as string[])
      if (flags !== undefined && flags !== actual)
        differences.push(`${number} has ${flags} for ${at + 1}, not ${actual}`)
    }
  }
  return differences
}

function commandFor(random: Random, count: number, step: number): string {
  const one = () => 1 + random.below(Math.max(count, 1))
  const set = count === 0 ? '1' : random.of([`${one()}`, `${one()},${one()}`, `${one()}:${one()}`])
  const flag = random.of(['\\Seen', '\\Flagged', '\\Deleted', '$a', '$b'])
  return random.of([
    `STORE ${set} ${random.of(['+', '-', ''])}FLAGS (${flag})`,
    `STORE ${set} +FLAGS.SILENT (${flag} \\Deleted)`,
    `FETCH ${set} (FLAGS BODY[TEXT])`,
    'NOOP',
    'EXPUNGE',
    'SEARCH UNSEEN',
    `COPY ${set} INBOX`,
    `MOVE ${set} ${random.of(['Trash', 'INBOX'])}`,
    `UID EXPUNGE 1:${1 + random.below(60)}`,
    `APPEND INBOX (${flag}) {${7 + String(step).length}+}\r\nbody ${step}\r\n`
  ])
}

/** Flags, removes or delivers a message as another mail program does. */
async function otherProgram(random: Random, folder: string): Promise<void> {
  const names = (await readdir(join(folder, 'cur'))).map(name => join(folder, 'cur', name))
  const path = names.length === 0 ? undefined : random.of(names)
  const how = random.below(3)
  if (how === 0 || path === undefined) {
    const name = `${1_000_000_000 + random.below(1_000_000)}.${random.below(2 ** 31)}.host`
    await writeFile(join(folder, 'new', name), message(name))
  } else if (how === 1) await unlink(path)
  else await rename(path, `${path.replace(/:2,.*$/, '')}:2,${random.of(['', 'S', 'F', 'FS'])}`)
}
