// A peer with mail in a process of its own, which a test starts with fork() and kills.
import { subscribe } from 'node:diagnostics_channel'
import { startMail } from 'fastn-mail'
import { getEndpoint, SecretKey } from 'fastn-net'
import type { Order, ServiceConfig } from './service-process.js'

const config = JSON.parse(process.argv[2] as string) as ServiceConfig
const addresses = new Map<string, string>()
const { kill } = config
let left = kill?.nth ?? 0
if (kill?.step !== undefined)
  subscribe('fastn-mail:step', message => {
    if ((message as { name: string }).name === kill.step && --left === 0) process.kill(process.pid, 'SIGKILL')
  })
// At any moment, in the middle of a system call, too.
if (kill?.after !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), kill.after)

const endpoint = await getEndpoint(SecretKey.from(config.key), { network: 'loopback' })
const mail = await startMail({
  endpoint,
  folder: config.folder,
  users: { ada: {} },
  smtp: false,
  imap: false,
  allow: [{ who: 'everyone', perHour: 1_000_000 }],
  address: id52 => addresses.get(id52) ?? id52,
  onEvent: event => {
    if (!config.quiet) process.send?.({ event: { ...event, error: event.error && String(event.error) } })
  }
})
process.on('message', async ({ call, peer, mails }: Order) => {
  if (peer !== undefined) addresses.set(peer.id52, peer.ticket)
  if (call === 'ping' && peer !== undefined) await endpoint.ping(peer.ticket).catch(() => {})
  const [from = ''] = mail.addresses
  for (const { to, raw } of mails ?? [])
    void mail.send({ from, to, raw }).then(
      id => process.send?.({ accepted: raw, id }),
      error => process.send?.({ refused: raw, error: String(error) })
    )
  if (call === 'queue') process.send?.({ queue: mail.queue().length })
  if (call === 'close') {
    await mail.close()
    await endpoint.close()
    process.disconnect()
  }
})
process.send?.({ ready: { id52: endpoint.id52, ticket: await endpoint.ticket(), address: mail.addresses[0] } })
