// On the network loopback, which has no look-up of peers, rigs find each other again after a restart.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { initRig, type Rig, startRig } from 'fastn-net/rig'

interface Home {
  readonly home: string
  readonly owner: string
  start(): Promise<Rig>
}

async function homeOf(t: ExecutionContext): Promise<Home> {
  const home = mkdtempSync(join(tmpdir(), 'fastn-net-rig-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const { owner } = await initRig({ home })
  const start = async () => {
    const rig = await startRig({ network: 'loopback' }, { home })
    t.teardown(() => rig.close({ timeout: 0 }))
    return rig
  }
  return { home, owner, start }
}

test('two rigs that know each other find each other after both were restarted', async t => {
  const [alice, bob] = [await homeOf(t), await homeOf(t)]
  const [one, two] = [await alice.start(), await bob.start()]
  const invitation = await one.account(alice.owner)?.invite({ name: 'bob' })
  await two.account(bob.owner)?.redeem(invitation?.text ?? '', { name: 'alice' })
  await Promise.all([one.close(), two.close()])

  const [first, second] = [await alice.start(), await bob.start()]
  const [aliceEndpoint, bobEndpoint] = [first.endpoint(alice.owner), second.endpoint(bob.owner)]
  const address = second.account(bob.owner)?.peer('alice')
  t.deepEqual(address?.addresses, aliceEndpoint?.address().addresses)
  t.true(Number(await bobEndpoint?.ping(address ?? '', { signal: AbortSignal.timeout(15_000) })) >= 0)
  const back = first.account(alice.owner)?.peer('bob')
  t.deepEqual(back?.addresses, bobEndpoint?.address().addresses)
})

test('a rig whose port is taken warns, and starts on another', async t => {
  const { home, owner, start } = await homeOf(t)
  const first = await start()
  const [address = ''] = first.endpoint(owner)?.address().addresses ?? []
  const port = Number(/:(\d+)$/.exec(address)?.[1])
  await first.close()
  const ports = () => JSON.parse(readFileSync(join(home, 'rig', 'ports.json'), 'utf8'))
  t.is(ports()[owner], port)
  const other = createSocket('udp4')
  other.bind(port, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => void other.close())
  const warned = once(process, 'warning')
  const rig = await start()
  const [warning] = (await warned) as [Error & { code?: string }]
  t.is(warning.code, 'ERR_BIND')
  t.regex(warning.message, new RegExp(`UDP port ${port} of ${owner} is taken; .* invite them again`))
  t.not(rig.endpoint(owner)?.address().addresses[0], address)
  t.not(ports()[owner], port)
})
