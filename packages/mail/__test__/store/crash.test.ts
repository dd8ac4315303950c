import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { type MailStore, openMailStore } from 'fastn-mail'
import { message, temporaryFolder } from '../helpers/server.js'

const program = fileURLToPath(new URL('deliver-until-killed.js', import.meta.url))
const steps = ['store.pending', 'store.written', 'store.renamed', 'store.placed', 'store.stored']

/** Kills, evenly over the steps. */
const kills = Number(process.env.FASTN_MAIL_TEST_KILLS ?? 10)

test(`killed ${kills} times, the store loses and duplicates no message`, async t => {
  t.timeout(600_000)
  const folder = await temporaryFolder(t)
  const stored = new Set<string>()
  let next = 0
  for (let kill = 0; kill < kills; kill++) {
    const atOnce = kill % 2 === 0 ? 1 : 4
    const turns = 1 + (kill % 7)
    const step = steps[kill % steps.length] as string
    // The sender sends again what was not answered: from the first such id on.
    const answered = await deliver(folder, step, next, atOnce, turns)
    for (const { id, duplicate } of answered) {
      if (stored.has(id)) t.true(duplicate, `${id} was stored twice`)
      stored.add(id)
    }
    while (stored.has(String(next))) next++
  }
  const store = await openMailStore({ folder })
  t.teardown(() => store.close())
  for (const id of stored) t.true(store.has(id), `${id} is lost`)
  await consistent(folder, store, id => t.fail(`${id} is there twice`))
  // What was never answered is sent once more: each message is there once, whole.
  for (let id = 0; id < next + 8; id++) await store.deliver({ id: String(id), content: message(String(id)) })
  const subjects = await consistent(folder, store, id => t.fail(`${id} is there twice`))
  t.is(subjects.size, next + 8)
})

async function deliver(folder: string, step: string, first: number, atOnce: number, turns: number) {
  const args = [program, folder, step, first, atOnce, turns].map(String)
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_NO_WARNINGS: '1' }
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', text => {
    output += text
  })
  await once(child, 'close')
  const lines = output.split('\n').filter(line => line !== '')
  return lines.map(line => ({ id: line.split(' ')[0] as string, duplicate: line.endsWith('true') }))
}

/** Checks that files and index agree, and that no subject is there twice. Returns the subjects. */
async function consistent(folder: string, store: MailStore, twice: (subject: string) => void): Promise<Set<string>> {
  const subjects = new Set<string>()
  for (const inside of ['new', 'cur']) {
    for (const name of await readdir(join(folder, inside))) {
      const text = await readFile(join(folder, inside, name), 'utf8')
      const subject = /^Subject: (.*)\r$/m.exec(text)?.[1] ?? `broken ${name}`
      if (subjects.has(subject) || !Buffer.from(text).equals(message(subject))) twice(subject)
      subjects.add(subject)
    }
  }
  const messages = store.mailboxes().find(({ name }) => name === 'INBOX')?.messages
  if (messages !== subjects.size) twice(`index has ${messages}, folder ${subjects.size}: a message`)
  if ((await readdir(join(folder, 'tmp'))).length > 0) twice('a file in tmp')
  return subjects
}
