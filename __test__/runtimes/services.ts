// Scenes with features that are built on streams: requests, tunnels, accounts, rigs and the command line.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createEndpoint, type Endpoint, type FastnNetError, type Items, SecretKey } from 'fastn-net'
import { fileStore, holdLease, memoryStore, openAccount } from 'fastn-net/account'
import { initRig, rigStatus, startRig } from 'fastn-net/rig'

const network = 'loopback'
const unauthorized = (error: FastnNetError) => error.code === 'ERR_UNAUTHORIZED'

/** `start`: the command with which this runtime starts a program. */
export function services(server: Endpoint, client: Endpoint, start: readonly string[]): Record<string, Scene> {
  const peer = server.address()
  return {
    async 'calls handlers, with items both ways and errors'() {
      const handler = async function* (items: AsyncIterable<number>) {
        for await (const item of items) {
          if (item === 0) throw Object.assign(new RangeError('not zero'), { code: 'E_ZERO' })
          yield item * 2
        }
      }
      const called = server.serve('double', handler, { onError: () => {} })
      async function* given() {
        yield* [1, 2, 0]
      }
      const got: number[] = []
      const reading = async () => {
        for await (const item of await client.call<Items<number>>(peer, 'double', given())) got.push(item)
      }
      await assert.rejects(reading(), { code: 'ERR_REMOTE', message: /not zero/ })
      assert.deepEqual(got, [2, 4])
      await called.close()
    },
    async 'carries TCP connections through a tunnel'() {
      await using service = await echo()
      const exposed = await server.exposeTcp(service.port, { allow: [client.id52], service: 'echo' })
      const bridge = await client.bridgeTcp({ peer, service: 'echo' })
      const bytes = Buffer.alloc(1_000_000, 'fastn')
      assert.equal(await exchanged(bridge.port, bytes), bytes.toString())
      await Promise.all([exposed.close(), bridge.close()])
    },
    async 'keeps an account in a file, and lets in its peers and their devices'() {
      await using folder = temporary()
      const keys = [SecretKey.generate(), SecretKey.generate(), SecretKey.generate()] as const
      const [host, guest, phone] = await Promise.all(keys.map(key => createEndpoint({ key, network })))
      if (!host || !guest || !phone) throw new Error('three were made')
      const file = join(folder.path, 'account.json')
      const hosting = await openAccount(host, { store: fileStore(file), key: keys[0] })
      await assert.rejects(fileStore(file).open(), { code: 'ERR_BUSY' })
      const visiting = await openAccount(guest, { store: memoryStore(), key: keys[1] })
      host.serve('Chat', (_: null, { remoteId52 }) => hosting.identify(remoteId52).alias ?? 'a device')
      await hosting.update(draft => {
        draft.groups.friends = []
        draft.rules = [{ who: 'friends', protocol: 'Chat', effect: 'allow' }]
      })
      const { text: invitation } = await hosting.invite({ name: 'bob', groups: ['friends'] })
      await visiting.redeem(invitation, { name: 'alice' })
      const alice = visiting.peer('alice')
      assert.equal(await guest.call(alice, 'Chat', null), 'bob')
      await visiting.addDevice(phone.id52, { name: 'phone', scope: ['Chat'] })
      await assert.rejects(phone.call(alice, 'Chat', null), unauthorized)
      const lease = await holdLease(phone, guest.address())
      assert.equal(await lease.use(alice, () => phone.call(alice, 'Chat', null)), 'a device')
      await Promise.all([lease.close(), hosting.close(), visiting.close()])
      const data = await fileStore(file).open()
      assert.deepEqual(data?.groups.friends, ['bob'])
      await Promise.all([host, guest, phone].map(endpoint => endpoint.close()))
    },
    async 'runs a rig with a service, and tells its status'() {
      await using folder = temporary()
      await using service = await echo()
      const home = join(folder.path, 'rig')
      const { owner } = await initRig({ home })
      const rig = await startRig(
        { network, services: { echo: { kind: 'tcp', target: service.port, public: true } } },
        { home }
      )
      const ticket = (await rig.endpoint(owner)?.ticket()) ?? ''
      const bridge = await client.bridgeTcp({ peer: ticket })
      assert.equal(await exchanged(bridge.port, Buffer.from('to a rig')), 'to a rig')
      const [owned, itself] = [rig.endpoint(owner), rig.endpoint(rig.status().id52)]
      if (!owned || !itself) throw new Error('both are online')
      const { services } = await rigStatus(owned, itself.address())
      assert.deepEqual(
        services.map(({ name }) => name),
        ['echo']
      )
      await Promise.all([bridge.close(), rig.close()])
    },
    async 'runs the command line'() {
      const [command, ...args] = start as [string, ...string[]]
      const cli = [...args, fileURLToPath(new URL('../../dist/cli.js', import.meta.url))]
      const key = spawn(command, [...cli, 'keygen', '--quiet'], { stdio: ['ignore', 'pipe', 'inherit'] })
      const made = text(key.stdout)
      assert.deepEqual(await once(key, 'exit'), [0, null])
      assert.equal(SecretKey.from((await made).trim()).id52.length, 52)
      await using service = await echo()
      const tcp = [...cli, 'tcp', String(service.port), '--public']
      const child = spawn(command, tcp, { stdio: ['ignore', 'pipe', 'ignore'] })
      // A slow scene is not awaited, and neither is its child.
      const end = () => child.kill('SIGKILL')
      process.on('exit', end)
      try {
        const ticket = (await createInterface(child.stdout)[Symbol.asyncIterator]().next()).value as string
        const bridge = await client.bridgeTcp({ peer: ticket })
        assert.equal(await exchanged(bridge.port, Buffer.from('to a command')), 'to a command')
        await bridge.close()
        const exit = once(child, 'exit')
        process.kill(child.pid as number, 'SIGTERM')
        // The status that a shell reports for that signal.
        assert.deepEqual(await exit, [143, null])
      } finally {
        end()
        process.off('exit', end)
      }
    }
  }
}

type Scene = () => Promise<void>

/** A folder that is removed at the end. */
function temporary(): AsyncDisposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), 'fastn-net-runtime-'))
  return {
    path,
    async [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    }
  }
}

/** A TCP server that echoes. */
async function echo(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer({ allowHalfOpen: true }, socket => socket.on('error', () => {}).pipe(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    }
  }
}

/** Sends bytes to a local port, and returns the received bytes at the end. */
async function exchanged(port: number | null, bytes: Uint8Array): Promise<string> {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  socket.end(bytes)
  return await text(socket)
}
