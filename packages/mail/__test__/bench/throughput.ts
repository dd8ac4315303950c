// npm run bench:mail [-- MAILS]: mails of 10 KiB from a mail client over SMTP to a peer in another process, until each is on its disk; and what the
// disk can do, beside it.
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashPassword, startMail } from 'fastn-mail'
import { getEndpoint, SecretKey } from 'fastn-net'
import { createTransport } from 'nodemailer'
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
const auth = { user: 'ada', pass: 'secret' }
const transport = createTransport({
  host: '127.0.0.1',
  port: mail.smtp!.port,
  auth,
  pool: true,
  maxConnections: connections
})
await transport.verify()
await rate(`SMTP, ${connections} connections`, mails, connections, () =>
  transport.sendMail({ envelope: { from, to }, raw })
)
transport.close()

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
