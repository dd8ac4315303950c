// `send` and `receive` over a link that goes down in the middle and comes back.
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { Cli, type CliOptions, folderFor } from '../cli/support/cli.js'
import { receiverFor, sha256Of, tree } from '../cli/support/transfer.js'
import { Lab, within } from './support/lab.js'
import { waits } from './support/waits.js'

const size = 40_000_000

for (const seconds of [1, 10, 60]) {
  test(`a file arrives complete over a link that is down for ${seconds} s, and received bytes are not sent twice`, async t => {
    const lab = new Lab(t)
    const [near, far] = [lab.host('near'), lab.host('far')]
    const at = (namespace: string): CliOptions => {
      const [command, args] = within(namespace, [])
      return { before: [command, ...args], env: { FASTN_NET_NETWORK: 'lan' }, limitMs: 240_000 }
    }
    const [file, to] = [join(folderFor(t), 'big'), folderFor(t)]
    const bytes = randomBytes(size)
    writeFileSync(file, bytes)
    const { program, ticket } = await receiverFor(t, to, ['--public', '--once'], at(far.namespace))
    const sender = new Cli(['send', ticket, file, '--json', '--limit-rate', '4M'], at(near.namespace))
    await program.event('progress', ({ bytes }) => Number(bytes) > 3_000_000)
    far.pull()
    await sleep(waits(seconds * 1000))
    t.deepEqual(
      Object.keys(tree(to)).filter(name => !name.endsWith('.part')),
      [],
      'nothing has the name of the file yet'
    )
    far.plug()
    const { moved } = await sender.event('done')
    // Bytes in flight when the link went down may be sent again.
    t.true(Number(moved) < size + 20_000_000, `${moved} bytes were sent`)
    t.is((await sender.ended).code, 0)
    t.is((await program.ended).code, 0)
    t.deepEqual(tree(to), { big: sha256Of(bytes) })
  })
}
