// A peer that opens silent streams.
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { EndpointOptions } from 'fastn-net'
import { withBystander } from './support/bystander.js'
import type { RawCommands } from './support/commands.js'
import type { FaultProgram } from './support/program.js'
import { startRaw } from './support/raw.js'

const streams = 10_000
/** Default limit of a peer's open streams. */
const most = 1024

/** Floods `near` while another peer sends it requests and shuts down. */
async function flooded(
  t: ExecutionContext,
  options: EndpointOptions,
  flooding: (program: FaultProgram<RawCommands>, opened: Promise<number>) => Promise<void>
): Promise<void> {
  await withBystander(t, {
    near: options,
    async run({ lab, near, nearHost, bystander, start, leave }) {
      const { program } = await startRaw(t, lab.host('raw'))
      const opened = program.ask('flood', { to: near.address, streams })
      opened.catch(() => {})
      const leaving = await start('leaving', nearHost, { port: 4434 })
      await leaving.load({ name: 'near', peer: near.address })
      await flooding(program, opened)
      await leave(leaving, 'near')
      await near.progress('bystander', 15_000)
      t.true((await bystander.ping(near.address)) >= 0)
      program.signal('SIGKILL')
    }
  })
}

test(`survives a peer that opens ${streams} silent streams`, t =>
  flooded(t, { maxStreams: streams }, async (_, opened) => {
    t.is(await opened, streams)
    await sleep(3000)
  }))

test(`survives an unauthorized peer that opens and holds ${streams} silent streams`, t =>
  flooded(t, { headerTimeout: 1000 }, async program => {
    // All of its open streams were refused. As it keeps them, it cannot open more.
    await sleep(5000)
    t.true((await program.ask('opened', null)) <= most)
  }))
