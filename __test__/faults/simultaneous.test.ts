// Both sides dial at the same time.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { SecretKey } from 'fastn-net'
import { withBystander } from './support/bystander.js'
import { checkLedgers } from './support/check.js'
import { type DiallingCommands, type RecordedRequest, whole } from './support/commands.js'
import { before, FaultProgram } from './support/program.js'
import { proxy } from './support/proxy.js'

const times = 200
/** Port of each side, in every round. */
const port = 4433

test(`simultaneous dials from both sides end in one connection, ${times} times`, async t => {
  const folder = mkdtempSync(join(tmpdir(), 'fastn-net-faults-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  await withBystander(t, {
    async run({ lab }) {
      const hosts = [lab.host('one'), lab.host('two')] as const
      const programs = hosts.map(host => new FaultProgram<DiallingCommands>(t, host.namespace, 'dialling', {})) as [
        FaultProgram<DiallingCommands>,
        FaultProgram<DiallingCommands>
      ]
      await Promise.all(programs.map(program => program.ready))
      const ledgers = [`${folder}/one`, `${folder}/two`]
      // The second half has 10 ms of delay, so that the two dials certainly cross.
      for (const host of hosts) await proxy(t, lab, host, port, { delay: 10, jitter: 0 })
      const asked: RecordedRequest[] = []
      for (let time = 0; time < times; time++) {
        if (time === times / 2) lab.part(...hosts)
        const keys = hosts.map(() => SecretKey.generate())
        const addresses = hosts.map(({ address, gateway }, at) => ({
          id52: keys[at]!.id52,
          addresses: [`${time < times / 2 ? address : gateway}:${port}`]
        }))
        const each = <Result>(work: (at: 0 | 1) => Promise<Result>) => Promise.all(([0, 1] as const).map(work))
        const peerOf = (at: number) => addresses[1 - at]!
        await each(at =>
          programs[at].ask('open', {
            secretKey: keys[at]!.toHex(),
            bind: `${hosts[at].address}:${port}`,
            ledger: ledgers[at]!
          })
        )
        const at = Date.now() + 15
        asked.push(
          ...(await each(side => programs[side].ask('dial', { peer: peerOf(side), at, number: `${side}/${time}` })))
        )
        const settled = async () => {
          for (;;) {
            const [one, two] = await each(side => programs[side].ask('dialled', { peer: peerOf(side) }))
            if (one !== two) return
            await sleep(20)
          }
        }
        await before(settled(), 15_000, `round ${time}: both sides did not settle on one connection`)
        asked.push(
          ...(await each(side =>
            programs[side].ask('dial', { peer: peerOf(side), at: 0, number: `${side}/${time}/settled` })
          ))
        )
        await each(side => programs[side].ask('close', null))
      }
      t.deepEqual(
        asked.filter(([, outcome]) => outcome !== whole),
        []
      )
      checkLedgers(t, asked, ledgers)
      for (const program of programs) t.deepEqual(await program.end(), { code: 0, signal: null, stderr: '' })
    }
  })
})
