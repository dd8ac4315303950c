// A peer that is killed and restarts at once with its key. FASTN_NET_RESTARTS sets the number of restarts per test.
import test, { type ExecutionContext } from 'ava'
import { type Endpoint, getEndpoint, type PeerAddress, SecretKey } from 'fastn-net'
import { Program } from '../helpers/program.js'

const rounds = Number(process.env.FASTN_NET_RESTARTS ?? 3)
const anyPort = '127.0.0.1:0'

interface Server {
  readonly program: Program
  readonly pid: number
  readonly address: PeerAddress
}

async function start(key: SecretKey, bind: string): Promise<Server> {
  const program = new Program('restart', key.toHex(), bind)
  const [pid, address] = JSON.parse(await program.line()) as [number, PeerAddress]
  return { program, pid, address }
}

async function kill({ program }: Server): Promise<void> {
  program.kill('SIGKILL')
  await program.ended
}

async function ask(endpoint: Endpoint, { address }: Server): Promise<number> {
  await using stream = await endpoint.getStream(address, 'Tcp')
  await stream.finish('hello\n')
  return Number(await stream.nextString())
}

type Next = (endpoint: Endpoint, server: Server) => Promise<void>

/** Kills a connected peer and restarts it. Returns the milliseconds that `next`, its first use, takes. */
async function restarted(t: ExecutionContext, moves: boolean, next: Next): Promise<number> {
  const endpoint = await getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const key = SecretKey.generate()
  const before = await start(key, anyPort)
  t.is(await ask(endpoint, before), before.pid)
  await kill(before)
  const after = await start(key, moves ? anyPort : before.address.addresses![0]!)
  const began = performance.now()
  await next(endpoint, after)
  const took = performance.now() - began
  await kill(after)
  // No peer is left to acknowledge anything.
  await endpoint.close({ timeout: 1 })
  return took
}

/** Several restarts. Repeats a slow one up to four times, because a busy machine delays some. */
async function restarts(t: ExecutionContext, moves: boolean, limit: number, next: Next): Promise<void> {
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    let fastest = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 5 && fastest >= limit; attempt++)
      fastest = Math.min(fastest, await restarted(t, moves, next))
    took.push(fastest)
  }
  took.sort((a, b) => a - b)
  t.log(`${rounds} times: ${Math.round(took[rounds >> 1]!)} ms in the middle, ${Math.round(took.at(-1)!)} ms at most`)
  t.true(took.at(-1)! < limit, `${took}`)
}

for (const [where, moves, limit] of [
  ['its port', false, 1000],
  ['another port', true, 1500]
] as const) {
  test.serial(`answers a request within ${limit} ms of a restart at ${where}`, t =>
    restarts(t, moves, limit, async (endpoint, server) => {
      t.is(await ask(endpoint, server), server.pid)
    })
  )

  test.serial(`answers a ping within ${limit} ms of a restart at ${where}`, t =>
    restarts(t, moves, limit, async (endpoint, server) => {
      t.true((await endpoint.ping(server.address)) > 0)
    })
  )

  test.serial(`connects within ${limit} ms of a restart at ${where}`, t =>
    restarts(t, moves, limit, async (endpoint, server) => {
      await using connection = await endpoint.connect(server.address)
      await using stream = await connection.openBi('Tcp')
      await stream.finish('hello\n')
      t.is(Number(await stream.nextString()), server.pid)
    })
  )
}

test.serial('a write to a killed peer fails soon and is not resent', t =>
  restarts(t, false, 3000, async (endpoint, server) => {
    await using stream = await endpoint.getStream(server.address, 'Tcp', { ack: 'later' })
    await stream.finish('hello\n')
    await t.throwsAsync(stream.nextString(), { code: 'ERR_CONNECTION_LOST' })
  })
)
