// Several copies of the package in one process: package managers install them, and module reloaders create them.
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import type { Endpoint } from 'fastn-net'
import { turn } from '../helpers/pair.js'

/** Imports a copy of the package's files. */
async function copy(t: ExecutionContext): Promise<typeof import('fastn-net')> {
  const folder = mkdtempSync(fileURLToPath(new URL('../copy-', import.meta.url)))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  for (const file of ['index.js', 'services.js'])
    cpSync(new URL(file, import.meta.resolve('fastn-net')), join(folder, file))
  const dist = fileURLToPath(new URL('.', import.meta.resolve('fastn-net')))
  for (const name of readdirSync(dist)) if (name.endsWith('.node')) symlinkSync(join(dist, name), join(folder, name))
  return await import(pathToFileURL(join(folder, 'index.js')).href)
}

test('copies of the package share the addon, and each gets its own events', async t => {
  const copies = await Promise.all([copy(t), copy(t)])
  t.not(copies[0].Endpoint, copies[1].Endpoint)
  const bind = ({ getEndpoint, SecretKey }: typeof import('fastn-net')) =>
    getEndpoint(SecretKey.generate(), { network: 'loopback' })
  const [one, other] = (await Promise.all(copies.map(bind))) as [Endpoint, Endpoint]
  const listeners = [one, other].map(endpoint =>
    endpoint.listen({ AccountToAccount: async stream => stream.finish(`${await stream.nextString()}\n`) })
  )
  const ask = async (from: Endpoint, to: Endpoint) => {
    const stream = await from.getStream(to.address(), 'AccountToAccount')
    const answer = stream.nextString()
    await turn()
    await stream.finish('hello\n')
    return await answer
  }
  t.deepEqual(await Promise.all([ask(one, other), ask(other, one)]), ['hello', 'hello'])
  await Promise.all([one.close(), other.close(), ...listeners.map(({ closed }) => closed)])
})
