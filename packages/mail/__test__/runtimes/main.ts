// The same scenes under each runtime that has node:sqlite: `npm run test:runtimes`. Without ava, which supports only Node.js.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import type { Mail } from 'fastn-mail'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { createTransport } from 'nodemailer'
import { certificate } from '../helpers/certificate.js'
import { fetched, ImapClient } from '../helpers/imap-client.js'

const generous = 60_000
const password = 'correct horse'
const folder = await mkdtemp(join(tmpdir(), 'fastn-mail-runtimes-'))
const sqlite = process.getBuiltinModule('node:sqlite') as object | undefined
const scenes = sqlite ? await scenesOfMail() : { 'says what it needs': saysWhatItNeeds }

let [passed, failed] = [0, 0]
for (const [name, scene] of Object.entries(scenes)) {
  try {
    await within(scene())
    passed++
    console.log(`  ✔ mail: ${name}`)
  } catch (error) {
    failed++
    console.log(`  ✘ mail: ${name}\n`, error)
  }
}
await rm(folder, { recursive: true, force: true, maxRetries: 5 })
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed > 0 ? 1 : 0)

/** Of Node.js before 22.13. */
async function saysWhatItNeeds(): Promise<void> {
  await assert.rejects(import('fastn-mail'), /fastn-mail needs node:sqlite: Node\.js 22\.13 or newer, Bun or Deno/)
}

async function scenesOfMail(): Promise<Record<string, () => Promise<void>>> {
  const { hashPassword, openMailStore, startImap, startMail } = await import('fastn-mail')
  const users = { ada: { password: await hashPassword(password) } }
  const [one, two] = [await fresh(), await fresh()]
  const start = (endpoint: Endpoint, other: Endpoint): Promise<Mail> =>
    startMail({
      endpoint,
      folder: join(folder, endpoint.id52),
      users,
      smtp: { port: 0 },
      imap: { port: 0 },
      allow: [other.id52],
      address: () => other.address()
    })
  let [sender, receiver] = [await start(one, two), await start(two, one)]
  const send = async (subject: string) => {
    const auth = { user: 'ada', pass: password }
    const transport = createTransport({ host: '127.0.0.1', port: sender.smtp!.port, auth, ignoreTLS: true })
    await transport.sendMail({ from: sender.addresses[0], to: receiver.addresses[0], subject, text: 'Grüße\n.\n' })
    transport.close()
  }
  const subjects = async (client: ImapClient) => {
    const { untagged } = await client.run('FETCH 1:* (ENVELOPE)')
    return [...fetched(untagged).values()].map(items => (items.get('ENVELOPE') as unknown[])[1])
  }
  const inbox = async () => {
    const client = await (await ImapClient.connect(receiver.imap!.port)).login('ada', `"${password}"`)
    await client.run('SELECT INBOX')
    return client
  }
  return {
    async 'a mail goes from SMTP to the IMAP of another peer, which is idle'() {
      const client = await inbox()
      client.send('IDLE')
      await client.untagged(/^\+/)
      await send('one')
      await client.untagged(/^\* 1 EXISTS/)
      client.raw('DONE\r\n')
      assert.deepEqual(await subjects(client), ['one'])
      const { untagged } = await client.run('FETCH 1 (BODY.PEEK[TEXT] BODYSTRUCTURE)')
      assert.match(JSON.stringify(untagged), /Gr=C3=BC=C3=9Fe/)
      client.close()
    },
    async 'wrong passwords are refused'() {
      const client = await ImapClient.connect(receiver.imap!.port)
      assert.equal((await client.run('LOGIN ada wrong')).status, 'NO')
      client.close()
    },
    async '100 mails at once arrive once each'() {
      const mails = Array.from({ length: 100 }, (_, at) => ({
        from: sender.addresses[0] ?? '',
        to: receiver.addresses[0] ?? '',
        raw: `Subject: many ${at}\r\n\r\n${'x'.repeat(20_000)}\r\n`
      }))
      await Promise.all(mails.map(mail => sender.send(mail)))
      while (sender.queue().length > 0) await new Promise(resolve => setTimeout(resolve, 20))
      const client = await inbox()
      const found = await subjects(client)
      assert.deepEqual(found.slice(1).sort(), mails.map((_, at) => `many ${at}`).sort())
      client.close()
    },
    async 'a restart keeps mail, flags and UIDs'() {
      const before = await inbox()
      await before.run('STORE 1 +FLAGS (\\Flagged)')
      const { untagged } = await before.run('FETCH 1:* (UID FLAGS)')
      before.close()
      await Promise.all([sender.close(), receiver.close()])
      ;[sender, receiver] = [await start(one, two), await start(two, one)]
      const after = await inbox()
      const flagless = (lines: readonly string[]) =>
        lines.map(line => line.replace(' \\Recent', '').replace('\\Recent', ''))
      assert.deepEqual(flagless((await after.run('FETCH 1:* (UID FLAGS)')).untagged), flagless(untagged))
      after.close()
    },
    async 'STARTTLS and TLS from the first byte'() {
      const tls = certificate(folder)
      if (!tls) return console.log('    SKIPPED: openssl is not installed')
      await using store = await openMailStore({ folder: join(folder, 'tls') })
      for (const implicitTls of [false, true]) {
        await using server = await startImap({ tls, implicitTls, authenticate: () => store })
        const { port } = server.address
        if (implicitTls) {
          const client = await (await ImapClient.connect(port, { tls: true })).login()
          assert.equal((await client.run('SELECT INBOX')).status, 'OK')
          client.close()
          continue
        }
        const client = await ImapClient.connect(port)
        assert.equal((await client.run('STARTTLS')).status, 'OK')
        client.socket.removeAllListeners('data')
        const secure = connectTls({ socket: client.socket, rejectUnauthorized: false })
        await once(secure, 'secureConnect')
        secure.write('b LOGIN user pass\r\n')
        const [answer] = await once(secure, 'data')
        assert.match(String(answer), /^b OK/)
        secure.destroy()
      }
    },
    async 'both close'() {
      await Promise.all([sender.close(), receiver.close()])
      await Promise.all([one.close(), two.close()])
    }
  }
}

function fresh(): Promise<Endpoint> {
  return getEndpoint(SecretKey.generate(), { network: 'loopback' })
}

async function within(scene: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${generous} ms`)), generous)
  })
  await Promise.race([scene, late]).finally(() => clearTimeout(timer))
}
