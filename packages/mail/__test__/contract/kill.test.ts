import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openMailStore } from 'fastn-mail'
import { SecretKey } from 'fastn-net'
import { folder, messagesIn } from '../helpers/peers.js'
import { type Kill, type Known, ServiceProcess } from '../helpers/service-process.js'

const senderSteps = [
  'spool.written',
  'spool.synced',
  'queue.committed',
  'deliver.opened',
  'deliver.sent',
  'deliver.answered',
  'queue.removed',
  'deliver.settled'
]
const receiverSteps = ['receive.begun', 'receive.written', 'receive.stored', 'receive.answered']

/** A sender and a receiver. One of them is killed in each round. */
class Pair {
  readonly #ends: Record<
    'sender' | 'receiver',
    { key: string; folder: string; process?: ServiceProcess; known?: Known }
  >
  readonly #accepted = new Set<string>()
  readonly #sent = new Set<string>()
  #rounds = 0
  /** Processes that were killed. */
  kills = 0

  constructor(folders: { sender: string; receiver: string }) {
    const end = (path: string) => ({ key: SecretKey.generate().toHex(), folder: path })
    this.#ends = { sender: end(folders.sender), receiver: end(folders.receiver) }
  }

  /** Starts what does not run, and lets each know the other. */
  async start(kills: { sender?: Kill; receiver?: Kill } = {}): Promise<void> {
    this.#note()
    for (const name of ['receiver', 'sender'] as const) {
      const end = this.#ends[name]
      if (end.process !== undefined && !end.process.hasExited && kills[name] === undefined) continue
      if (end.process !== undefined) await this.#stop(end.process)
      end.process = new ServiceProcess({ key: end.key, folder: end.folder, kill: kills[name] })
      const known = await end.process.ready()
      if (known !== undefined) end.known = known
    }
    const { sender, receiver } = this.#ends
    sender.process?.tell({ peer: receiver.known! })
    // Mail for a peer is sent when the peer connects.
    receiver.process?.tell({ call: 'ping', peer: sender.known! })
  }

  /** Sends mails until one end is killed, then starts it again. Resolves once all that was accepted has arrived. */
  async round(end: 'sender' | 'receiver', kill: Kill): Promise<void> {
    const round = ++this.#rounds
    await this.start({ [end]: kill })
    const killed = this.#ends[end].process!
    // Mails that are committed together pass a step once: the next ones pass it again.
    const batches = kill.step === undefined ? 1 : 10
    let exited = false
    for (let batch = 1; batch <= batches && !exited; batch++) {
      await this.#send(killed, `${round}.${batch} ${JSON.stringify(kill)}`)
      exited = killed.hasExited
      // One whose time had not come in its own round may have been killed now.
      if (!exited) await this.start()
    }
    if (killed.hasExited) this.kills++
    this.#note()
    await this.start()
    await this.#drained()
  }

  /** Sends three mails. Resolves once they have left the queue, or a process has ended. */
  async #send(killed: ServiceProcess, subject: string): Promise<void> {
    const sending = this.#ends.sender.process!
    const mails = [1, 2, 3].map(each => ({
      to: this.#ends.receiver.known!.address,
      raw: `Subject: ${each} ${subject}\r\n\r\n${'x'.repeat(each * 4000)}\r\n`
    }))
    for (const { raw } of mails) this.#sent.add(raw)
    const accepted = sending.accepted.length + mails.length
    sending.tell({ mails })
    const settled = (async () => {
      while (Object.values(this.#ends).every(({ process }) => process?.hasExited === false)) {
        if ((await sending.queued()) === 0 && sending.accepted.length >= accepted) break
        await pause()
      }
    })()
    await Promise.race([killed.exited, settled])
    this.#note()
  }

  /** Every accepted mail has arrived once, and none of the others twice: in the Maildir and in its index. */
  async check(t: ExecutionContext): Promise<void> {
    this.#note()
    for (const { process } of Object.values(this.#ends)) if (process !== undefined) await this.#stop(process)
    const inbox = join(this.#ends.receiver.folder, 'users', 'ada')
    const found = (await messagesIn(inbox)).map(String)
    t.is(new Set(found).size, found.length, 'twice')
    const lost = [...this.#accepted].filter(raw => !found.includes(raw)).map(raw => raw.split('\r\n', 1))
    t.deepEqual(lost, [], 'lost')
    t.deepEqual(
      found.filter(raw => !this.#sent.has(raw)),
      [],
      'torn'
    )
    await using store = await openMailStore({ folder: inbox })
    t.is(store.mailboxes().find(({ name }) => name === 'INBOX')?.messages, found.length)
    t.true(this.#accepted.size > 0)
  }

  /** Ends what still runs, also after a failed assertion. */
  kill(): void {
    for (const { process } of Object.values(this.#ends)) process?.child.kill('SIGKILL')
  }

  #note(): void {
    for (const raw of this.#ends.sender.process?.accepted ?? []) this.#accepted.add(raw)
  }

  async #drained(): Promise<void> {
    for (;;) {
      const { sender, receiver } = this.#ends
      if ((await sender.process!.queued()) === 0) return
      // One whose time had not come in its own round may be killed now.
      if (sender.process!.hasExited || receiver.process!.hasExited) await this.start()
      await pause()
    }
  }

  async #stop(process: ServiceProcess): Promise<void> {
    process.tell({ call: 'close' })
    await process.exited
  }
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 50))
}

async function pair(t: ExecutionContext): Promise<Pair> {
  const ends = new Pair({ sender: await folder(t), receiver: await folder(t) })
  t.teardown(() => ends.kill())
  return ends
}

test('killed at each step of a delivery, at either end, no mail is lost and none arrives twice', async t => {
  t.timeout(600_000)
  const ends = await pair(t)
  for (const step of senderSteps) await ends.round('sender', { step, nth: 2 })
  for (const step of receiverSteps) await ends.round('receiver', { step, nth: 2 })
  t.is(ends.kills, senderSteps.length + receiverSteps.length)
  await ends.check(t)
})

const times = Number(process.env.FASTN_MAIL_TEST_KILLS ?? 0)
if (times > 0)
  test(`killed ${times} times, at steps and at any moment`, async t => {
    t.timeout(times * 60_000)
    const ends = await pair(t)
    // In every fifth round or so, the mails are through before the step or moment comes.
    for (let at = 0; ends.kills < times; at++) {
      const end = at % 2 === 0 ? 'sender' : 'receiver'
      const names = end === 'sender' ? senderSteps : receiverSteps
      const step = names[Math.floor(at / 2) % names.length] as string
      // Of each three, one at any moment: the process needs a while to start, then the mails are on their way.
      const isTimed = at % 3 === 0
      const kill = isTimed ? { after: 300 + Math.random() * 900 } : { step, nth: 1 + Math.floor(Math.random() * 3) }
      await ends.round(end, kill)
      if (at % 20 === 19) t.log(`${at + 1} rounds, ${ends.kills} killed`)
    }
    await ends.check(t)
  })
