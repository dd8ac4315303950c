// Runs in a mount namespace with a small file system of its own, whose folder is the argument. Prints what it found as JSON.
import { execFileSync } from 'node:child_process'
import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Clock, type Mail, type MailError, type MailEvent, startMail } from 'fastn-mail'
import { type Endpoint, getEndpoint, SecretKey } from 'fastn-net'
import { messagesIn } from '../helpers/peers.js'

const [folder = '', elsewhere = ''] = process.argv.slice(2)
const clock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(delay, call) {
    const timer = setTimeout(call, delay)
    return { cancel: () => clearTimeout(timer) }
  }
}
const raw = `Subject: x\r\n\r\n${'x'.repeat(50_000)}\r\n`
const small = await peer(join(folder, 'mail'))
const large = await peer(join(elsewhere, 'mail'))
const found: Record<string, unknown> = {}

// A disk that is full: of the sender.
await fill()
const send = () => small.mail.send({ from: small.mail.addresses[0]!, to: large.mail.addresses[0]!, raw })
found['send to a full disk'] = await send().then(() => 'sent', codeOf)
found['left behind'] = await readdir(join(folder, 'mail', 'queue', 'messages'))
// Of the receiver.
await large.mail.send({ from: large.mail.addresses[0]!, to: small.mail.addresses[0]!, raw })
found['receive on a full disk'] = (await event(large, 'deferred')).reason
found['half a message'] = await messages(small)
await empty()
// A read-only disk: of both ends.
remount('ro')
found['send to a read-only disk'] = await send().then(() => 'sent', codeOf)
await large.mail.send({ from: large.mail.addresses[0]!, to: small.mail.addresses[0]!, raw: 'Subject: y\r\n\r\n' })
found['receive on a read-only disk'] = (await event(large, 'deferred', 1)).reason
remount('rw')
// Both recover by themselves.
await send()
await event(small, 'delivered')
found['after it was sent'] = (await messages(large)).length
await large.mail.close()
// It is an hour later.
const again = await peer(join(elsewhere, 'mail'), large.key, { ...clock, now: () => Date.now() + 3_600_000 })
for (let tries = 0; tries < 600 && again.mail.queue().length > 0; tries++)
  await new Promise(resolve => setTimeout(resolve, 100))
found['at the end'] = (await messages(small)).map(text => text.slice(0, 10)).sort()
for (const { mail, endpoint } of [small, again]) {
  await mail.close()
  await endpoint.close()
}
await large.endpoint.close()
console.log(JSON.stringify(found))

interface Peer {
  readonly key: SecretKey
  readonly endpoint: Endpoint
  readonly mail: Mail
  readonly folder: string
  readonly events: MailEvent[]
}

async function peer(path: string, key = SecretKey.generate(), time: Clock = clock): Promise<Peer> {
  const endpoint = await getEndpoint(key, { network: 'loopback' })
  const events: MailEvent[] = []
  const mail = await startMail({
    endpoint,
    folder: path,
    users: { ada: {} },
    smtp: false,
    imap: false,
    allow: 'everyone',
    address: id52 => (id52 === small.endpoint.id52 ? small : large).endpoint.address(),
    clock: time,
    onEvent: each => void events.push(each)
  })
  return { key, endpoint, mail, folder: path, events }
}

async function event({ events }: Peer, type: string, skip = 0): Promise<MailEvent> {
  for (;;) {
    const each = events.filter(found => found.type === type)[skip]
    if (each !== undefined) return each
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

async function messages({ folder: path }: Peer): Promise<string[]> {
  return (await messagesIn(join(path, 'users', 'ada'))).map(String)
}

async function fill(): Promise<void> {
  for (const size of [65_536, 4096, 1])
    for (let at = 0; ; at++)
      try {
        await writeFile(join(folder, `fill-${size}-${at}`), Buffer.alloc(size))
      } catch {
        break
      }
}

async function empty(): Promise<void> {
  for (const name of await readdir(folder)) if (name.startsWith('fill')) await rm(join(folder, name))
}

/** Files that are open, such as databases, stay writable: the kernel lets no file system become read-only below them. */
function remount(how: 'ro' | 'rw'): void {
  if (how === 'rw') {
    execFileSync('umount', [folder])
    return
  }
  execFileSync('mount', ['--bind', folder, folder])
  execFileSync('mount', ['-o', 'remount,bind,ro', folder])
}

function codeOf(error: MailError): string {
  return error.code
}
