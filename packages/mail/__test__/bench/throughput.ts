// npm run bench:mail [-- MAILS]: mails of 10 KiB from a mail client over SMTP to a peer in another process, until each is on its disk; and what the
// disk can do, beside it.
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { hashPassword, startMail } from 'fastn-mail'
import { getEndpoint, SecretKey } from 'fastn-net'
import { ServiceProcess } from '../helpers/service-process.js'

const mails = Number(process.argv[2] ?? 3000)
const connections = 16
const size = 10 * 1024
const folder = await mkdtemp(join(tmpdir(), 'fastn-mail-bench-'))
const receiver = new ServiceProcess({
  key: SecretKey.generate().toHex(),
  folder: join(folder, 'receiver'),
  quiet: true
})
const known = await receiver.ready()
const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
let delivered = 0
const mail = await startMail({
  endpoint,
  folder: join(folder, 'sender'),
  users: { ada: { password: await hashPassword('secret') } },
  smtp: { port: 0 },
  imap: false,
  address: () => known!.ticket,
  onEvent: ({ type }) => {
    if (type === 'delivered') delivered++
  }
})
const [from = ''] = mail.addresses
const to = known!.address
const raw = Buffer.from(
  `Subject: bench\r\n\r\n${randomBytes((size * 3) / 4)
    .toString('base64')
    .slice(0, size - 20)}\r\n`
)

await rate('mail.send, 64 at once', mails, 64, () => mail.send({ from, to, raw }))
const clients = await Promise.all(Array.from({ length: connections }, () => client(mail.smtp!.port)))
await rate(`SMTP, ${connections} connections`, mails, connections, async () => {
  const free = clients.pop()!
  await free(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`, 3)
  await free(Buffer.concat([raw, Buffer.from('.\r\n')]), 1)
  clients.push(free)
})

for (const parallel of [1, 16]) {
  let at = 0
  const began = performance.now()
  await inParallel(500, parallel, async () => {
    const file = await open(join(folder, `probe-${at++}`), 'w')
    await file.write(raw)
    await file.sync()
    await file.close()
  })
  console.log(`the disk: ${perSecond(500, began)} files of 10 KiB written and flushed a second, ${parallel} at once`)
}
await mail.close()
await endpoint.close()
receiver.tell({ call: 'close' })
await receiver.exited
await rm(folder, { recursive: true })

async function rate(name: string, count: number, parallel: number, one: () => Promise<unknown>): Promise<void> {
  delivered = 0
  const { user, system } = process.cpuUsage()
  const began = performance.now()
  await inParallel(count, parallel, one)
  const taken = perSecond(count, began)
  while (delivered < count) await new Promise(resolve => setTimeout(resolve, 2))
  console.log(`${name}: ${perSecond(count, began)} mails a second end to end (taken: ${taken})`)
  const used = process.cpuUsage({ user, system })
  console.log(`  the sender's CPU: ${((used.user + used.system) / 1000 / count).toFixed(2)} ms a mail`)
}

/** An SMTP client that is logged in. It sends, and waits for so many replies. */
async function client(port: number): Promise<(text: string | Uint8Array, replies: number) => Promise<void>> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let lines: string[] = []
  let wake = () => {}
  createInterface(socket).on('line', line => {
    if (line[3] !== '-') lines.push(line)
    wake()
  })
  const replies = async (count: number) => {
    while (lines.length < count)
      await new Promise<void>(resolve => {
        wake = resolve
      })
    const wrong = lines.find(line => !/^[23]/.test(line))
    if (wrong !== undefined) throw new Error(wrong)
    lines = []
  }
  const say = async (text: string | Uint8Array, count: number) => {
    socket.write(text)
    await replies(count)
  }
  await replies(1)
  await say('EHLO bench\r\n', 1)
  await say(`AUTH PLAIN ${Buffer.from('\0ada\0secret').toString('base64')}\r\n`, 1)
  socket.unref()
  return say
}

async function inParallel(count: number, parallel: number, one: () => Promise<unknown>): Promise<void> {
  let left = count
  const work = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: parallel }, work))
}

function perSecond(count: number, began: number): string {
  return ((count * 1000) / (performance.now() - began)).toFixed(0)
}
