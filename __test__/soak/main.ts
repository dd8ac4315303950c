// The soak: a server, a client with the load, and a peer that is killed and restarted. `npm run soak` starts it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SecretKey } from 'fastn-net'
import { type Last, pause, type Sample } from './child.js'
import type { ClientTask } from './client.js'
import { answerAbout } from './guarded.js'
import { judge, type Verdict } from './judge.js'
import type { Addresses, ServerTask } from './server.js'

const minutes = Number(process.argv[2])
/** Longer than any timeout that ends a request to a killed peer. */
const bound = 90_000
const vanishesEveryMs = 15_000

class Child {
  readonly samples: Sample[] = []
  readonly process: ChildProcess
  readonly ready: Promise<Addresses>
  readonly exit: Promise<unknown>
  last: Last | undefined

  constructor(name: 'server' | 'client', task: ServerTask | ClientTask) {
    const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
    this.process = fork(file, [JSON.stringify(task)], { execArgv: ['--enable-source-maps', '--expose-gc'] })
    this.exit = once(this.process, 'exit')
    this.ready = new Promise((resolve, reject) => {
      this.process.once('exit', () => reject(new Error(`${name} ended`)))
      this.process.on('message', (message: Sample | Last | { kind: 'ready'; addresses: Addresses }) => {
        if (message.kind === 'ready') resolve(message.addresses)
        else if (message.kind === 'last') this.last = message
        else this.samples.push(message)
      })
    })
    // Its waiting callers see the failure.
    this.ready.catch(() => {})
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** Stops it, and returns whether it exited by itself. */
  async end(): Promise<boolean> {
    if (this.process.connected) this.process.send('end')
    const timer = setTimeout(() => this.process.kill('SIGKILL'), bound + 60_000)
    await this.exit
    clearTimeout(timer)
    return this.process.exitCode === 0
  }
}

/** A key that the authorizing server admits. */
function admittedKey(): SecretKey {
  for (;;) {
    const key = SecretKey.generate()
    if (answerAbout(key.id52) === 'slowly') return key
  }
}

const [serverKey, vanishingKey] = [SecretKey.generate(), SecretKey.generate()]
const [steadyKey, listedKey] = [admittedKey(), admittedKey()]
const lists = { always: steadyKey.id52, sometimes: listedKey.id52 }
const server = new Child('server', { key: serverKey.toHex(), lists })
// This server has lists, so it reports all addresses.
const addresses = (await server.ready) as Required<Addresses>
const startVanishing = () => new Child('server', { key: vanishingKey.toHex(), asks: addresses.open })
let vanishing = startVanishing()
const client = new Child('client', {
  server: addresses,
  // The client knows it by its first address, and by the connections that it dials from other ones.
  vanishing: (await vanishing.ready).open,
  keys: { steady: steadyKey.toHex(), listed: listedKey.toHex() },
  bound
})
await client.ready

let vanished = 0
let printedAt = performance.now()
const until = performance.now() + minutes * 60_000
while (performance.now() < until && client.isRunning && server.isRunning) {
  await pause(Math.min(vanishesEveryMs, Math.max(until - performance.now(), 0)))
  vanishing.process.kill('SIGKILL')
  await vanishing.exit
  vanished++
  vanishing = startVanishing()
  await vanishing.ready
  if (performance.now() - printedAt > 60_000) {
    printedAt = performance.now()
    console.log(`${Math.round((until - printedAt) / 60_000)} min to go: ${client.samples.at(-1)?.ended} requests`)
  }
}

// The client first: its servers must run until the last answer.
const clean = [
  ['client', client, await client.end()],
  ['vanishing peer', vanishing, await vanishing.end()],
  ['server', server, await server.end()]
] as const

if (process.env.FASTN_NET_SOAK_SAMPLES) {
  writeFileSync(process.env.FASTN_NET_SOAK_SAMPLES, JSON.stringify({ server: server.samples, client: client.samples }))
}
const verdicts: Verdict[] = [...judge('server', server.samples), ...judge('client', client.samples)]
for (const [name, { last }, ended] of clean) {
  verdicts.push({ what: `${name}: ends by itself`, holds: ended })
  if (last === undefined) continue
  const none = (what: string, list: readonly string[]) =>
    verdicts.push({
      what: `${name}: ${what} ${list.length === 0 ? 'none' : list.join('; ')}`,
      holds: list.length === 0
    })
  none('requests that never ended:', last.lost)
  none('unexpected errors:', last.unexpected)
  verdicts.push({ what: `${name}: streams at the end ${last.streams}`, holds: last.streams === 0 })
  verdicts.push({ what: `${name}: native handles at the end ${last.handles}`, holds: last.handles <= 16 })
  // Streams that were finished to a peer just before it was killed are never acknowledged.
  const { unfinished, openStreams, unclosed } = JSON.parse(last.shutdown)
  verdicts.push({ what: `${name}: shutdown ${last.shutdown}`, holds: unfinished + openStreams + unclosed === 0 })
}
for (const { what, holds } of verdicts) console.log(`${holds ? '✔' : '✘'} ${what}`)
const failed = verdicts.filter(({ holds }) => !holds).length
const requests = client.last?.ended ?? client.samples.at(-1)?.ended ?? 0
console.log(`soak: ${minutes} min, ${requests} requests, a peer killed ${vanished} times`)
console.log(`${verdicts.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
