// Several copies of the package in one process: package managers install them, and module reloaders create them.
import test from 'ava'
import type { Endpoint } from 'fastn-net'
import { turn } from '../helpers/pair.js'

const copy = async (name: string) =>
  (await import(`${import.meta.resolve('fastn-net')}?${name}`)) as typeof import('fastn-net')

test('copies of the package share the addon, and each gets its own events', async t => {
  const copies = await Promise.all([copy('one'), copy('other')])
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
