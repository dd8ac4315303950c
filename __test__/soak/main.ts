// The soak: a server, a client with the load, and a peer that is killed and restarted. `npm run soak` starts it.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type PeerAddress, SecretKey } from 'fastn-net'
import { type Last, pause, type Sample } from './child.js'
import { judge, type Verdict } from './judge.js'

const minutes = Number(process.argv[2])
/** Longer than any time-out that ends a request to a peer that was killed. */
const bound = 90_000
const vanishesEveryMs = 15_000

class Child {
  readonly samples: Sample[] = []
  readonly process: ChildProcess
  readonly ready: Promise<PeerAddress>
  readonly exit: Promise<unknown>
  last: Last | undefined

  constructor(name: string, ...args: string[]) {
    const file = fileURLToPath(new URL(`${name}.js`, import.meta.url))
    this.process = fork(file, args, { execArgv: ['--enable-source-maps', '--expose-gc'] })
    this.exit = once(this.process, 'exit')
    this.ready = new Promise((resolve, reject) => {
      this.process.once('exit', () => reject(new Error(`${name} ended`)))
      this.process.on('message', (message: Sample | Last | { kind: 'ready'; address: PeerAddress }) => {
        if (message.kind === 'ready') resolve(message.address)
        else if (message.kind === 'last') this.last = message
        else this.samples.push(message)
      })
    })
    // Whoever waits for it hears of it.
    this.ready.catch(() => {})
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  /** Tells it to end, and says whether it did so by itself. */
  async end(): Promise<boolean> {
    if (this.process.connected) this.process.send('end')
    const ended = await Promise.race([this.exit.then(() => true), pause(bound + 60_000).then(() => false)])
    if (!ended) this.process.kill('SIGKILL')
    return ended && this.process.exitCode === 0
  }
}

const keys = [SecretKey.generate(), SecretKey.generate()] as const
const server = new Child('server', keys[0].toHex())
const address = await server.ready
const startVanishing = () => new Child('server', keys[1].toHex(), JSON.stringify(address))
let vanishing = startVanishing()
// The client knows it by its first address, and by the connections that it makes from others.
const client = new Child('client', JSON.stringify(address), JSON.stringify(await vanishing.ready), String(bound))
await client.ready

let vanished = 0
let told = performance.now()
const until = performance.now() + minutes * 60_000
while (performance.now() < until && client.isRunning && server.isRunning) {
  await pause(Math.min(vanishesEveryMs, Math.max(until - performance.now(), 0)))
  vanishing.process.kill('SIGKILL')
  await vanishing.exit
  vanished++
  vanishing = startVanishing()
  await vanishing.ready
  if (performance.now() - told > 60_000) {
    told = performance.now()
    console.log(`${Math.round((until - told) / 60_000)} min to go: ${client.samples.at(-1)?.ended} requests`)
  }
}

// The client first: whoever it asks must be there to the last answer.
const clean = [
  ['client', client, await client.end()],
  ['the one that vanishes', vanishing, await vanishing.end()],
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
  // What was finished for a peer that was killed a moment ago is never acknowledged.
  const { unfinished, openStreams, unclosed } = JSON.parse(last.shutdown)
  verdicts.push({ what: `${name}: shutdown ${last.shutdown}`, holds: unfinished + openStreams + unclosed === 0 })
}
for (const { what, holds } of verdicts) console.log(`${holds ? '✔' : '✘'} ${what}`)
const failed = verdicts.filter(({ holds }) => !holds).length
const requests = client.last?.ended ?? client.samples.at(-1)?.ended ?? 0
console.log(`soak: ${minutes} min, ${requests} requests, a peer killed ${vanished} times`)
console.log(`${verdicts.length - failed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
