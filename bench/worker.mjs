// One side of a measurement: `node worker.mjs server|client <lib> <workload>`.
// Forked by bench.mjs, which relays the client's `ask()` to the server.
import { BLOCK, block, cpuMs, LINE, line, pattern, readAtLeast, readToEnd, rss, sleep, within } from './measure.mjs'

const [role, lib, workload] = process.argv.slice(2)
const adapter = await import(`./libs/${lib}/adapter.mjs`)
const opts = JSON.parse(process.env.BENCH_OPTS ?? '{}')
const MODE = { A: 'bulk', B: 'rpc', C: 'connect', Ds: 'hold', Dc: 'hold', F: 'bulk', G: 'slow', H: 'bulk' }
const mode = MODE[workload]

/* ---------------------------------------------------------------- server */
const held = []
let sunk = null
const total = { whole: 0, bytes: 0 }
let release
const released = new Promise(r => {
  release = r
})
const handlers = {
  async slow(s) {
    await released
    return handlers.bulk(s)
  },
  async bulk(s) {
    // count, verify, confirm
    let bytes = 0,
      t0 = 0,
      ok = true
    sunk = { bytes, ms: 0, ok }
    for (let c; (c = await s.read()) !== null; ) {
      if (!bytes) t0 = performance.now()
      if (c[0] !== pattern(bytes & 0xffff)) ok = false
      bytes += c.length
      if (c[c.length - 1] !== pattern((bytes - 1) & 0xffff)) ok = false
      sunk.bytes = bytes
      total.bytes += c.length
    }
    total.whole++
    sunk = { bytes, ms: performance.now() - t0, ok }
    await s.write(line)
    await s.finish()
  },
  async rpc(s) {
    if (!adapter.info.multiplexed) {
      // one stream with 128-byte frames: echo each chunk
      for (let c; (c = await s.read()) !== null; ) await s.write(c)
      return s.finish()
    }
    await readToEnd(s)
    await s.write(line)
    await s.finish()
  },
  async connect(s) {
    await readToEnd(s)
    await s.write(line)
    await s.finish()
  },
  async hold(s) {
    held.push(s)
    await readAtLeast(s, LINE)
    await s.write(line)
  }
}
const answers = { rss, cpu: cpuMs, sunk: () => sunk, total: () => total, held: () => held.length, go: () => release() }

async function server() {
  const onStream = s =>
    handlers[mode](s).catch(e => {
      if (opts.verbose) console.error(`${lib} server stream:`, e?.message)
    })
  process.on('message', async m => {
    if (m.ask) process.send({ answer: (await answers[m.ask]()) ?? null })
  })
  const { address } = await adapter.startServer(onStream, { mode })
  process.send({ address })
}

/* ---------------------------------------------------------------- client */
let pending = null
const ask = what =>
  new Promise(r => {
    pending = r
    process.send({ ask: what })
  })

async function roundTrip(conn) {
  const s = await conn.openStream()
  await s.write(line)
  await s.finish()
  const n = await readToEnd(s)
  if (n !== LINE) throw new Error(`reply of ${n} bytes`)
}
const sorted = a => Float64Array.from(a).sort()
const pick = (a, p) => a[Math.min(a.length - 1, Math.floor(a.length * p))]

const workloads = {
  async A(address) {
    const send = async mib => {
      const conn = await adapter.connect(address, { mode })
      const s = await conn.openStream()
      for (let i = 0; i < mib * 16; i++) await s.write(block)
      await s.finish()
      await readToEnd(s)
      await conn.close()
    }
    await send(4) // warm-up, on its own connection
    const mib = opts.mib ?? adapter.info.bulkMiB ?? 256
    const cpu0 = cpuMs() + (await ask('cpu'))
    await send(mib)
    const cpu = cpuMs() + (await ask('cpu')) - cpu0
    const { bytes, ms, ok } = await ask('sunk')
    if (bytes !== mib * 1024 * 1024) throw new Error(`receiver got ${bytes} of ${mib * 1024 * 1024} bytes`)
    if (!ok) throw new Error('receiver got damaged bytes')
    return { mib, mibps: mib / (ms / 1000), cpuPerGiB: cpu / 1000 / (mib / 1024) }
  },

  async B(address) {
    const conn = await adapter.connect(address, { mode })
    const seq = opts.seq ?? 2000,
      total = opts.total ?? 10000,
      flight = opts.flight ?? 64
    const lat = []
    if (!adapter.info.multiplexed) {
      // framed on one stream
      const s = await conn.openStream()
      for (let i = -200; i < seq; i++) {
        const t = performance.now()
        await s.write(line)
        await readAtLeast(s, LINE)
        if (i >= 0) lat.push(performance.now() - t)
      }
      const t = performance.now()
      let sent = 0,
        got = 0
      while (got < total * LINE) {
        while (sent < total && sent - Math.floor(got / LINE) < flight) {
          await s.write(line)
          sent++
        }
        got += (await s.read()).length
      }
      const a = sorted(lat)
      return { p50: pick(a, 0.5), p99: pick(a, 0.99), rps: total / ((performance.now() - t) / 1000) }
    }
    for (let i = -200; i < seq; i++) {
      const t = performance.now()
      await roundTrip(conn)
      if (i >= 0) lat.push(performance.now() - t)
    }
    const a = sorted(lat)
    const t = performance.now()
    let next = 0,
      done = 0,
      last = t,
      limit = null
    const lane = async () => {
      while (next++ < total) {
        await roundTrip(conn)
        done++
        last = performance.now()
      }
    }
    await within(Promise.all(Array.from({ length: flight }, lane)), 60000, 'throughput part').catch(e => {
      limit = `${e?.message ?? e} (${done} of ${total} requests done)`
      next = total
    })
    return { p50: pick(a, 0.5), p99: pick(a, 0.99), rps: done / ((last - t) / 1000), limit }
  },

  async C(address) {
    const once = async () => {
      const t = performance.now()
      const conn = await adapter.connect(address, { mode })
      await roundTrip(conn)
      const ms = performance.now() - t
      await conn.close()
      return ms
    }
    const first = await once() // also creates the client's endpoint; not counted
    await once()
    const all = []
    for (let i = 0; i < (opts.conns ?? 50); i++) all.push(await once())
    const a = sorted(all)
    return { first, p50: pick(a, 0.5), p90: pick(a, 0.9) }
  },

  async Ds(address) {
    // memory per open idle stream
    if (!adapter.info.multiplexed) return { skipped: 'one stream per connection' }
    let conn = await adapter.connect(address, { mode })
    const keep = []
    const open = async () => {
      const s = await conn.openStream()
      keep.push(s)
      await s.write(line)
      if ((await readAtLeast(s, LINE)) !== LINE) throw new Error('stream ended early')
    }
    for (let i = 0; i < 20; i++) await within(open(), 5000, 'warm-up stream')
    const before = await ask('rss')
    const want = opts.streams ?? 1000
    const further = opts.further ?? 4
    let opened = 0,
      more = 0,
      limit = null,
      after = null
    try {
      for (; opened < want; opened++) await within(open(), 5000, `stream ${opened + 21}`)
      after = await ask('rss')
      for (; more < further * want; more++) {
        // Connections limit their number of streams.
        if (more % want === 0) conn = await adapter.connect(address, { mode })
        await within(open(), 5000, `further stream ${more + 1}`)
      }
    } catch (e) {
      limit = String(e?.message ?? e)
    }
    const last = await ask('rss')
    after ??= last
    const kib = (bytes, streams) => (streams ? bytes / 1024 / streams : null)
    return {
      opened,
      kibPerStream: kib(after - before, opened),
      further: more,
      kibPerFurther: kib(last - after, more),
      limit,
      held: await ask('held')
    }
  },

  async Dc(address) {
    // memory per connection
    const keep = []
    const open = async () => {
      const conn = await adapter.connect(address, { mode })
      const s = await conn.openStream()
      keep.push(conn, s)
      await s.write(line)
      await readAtLeast(s, LINE)
    }
    for (let i = 0; i < 5; i++) await within(open(), 10000, 'warm-up connection')
    const before = await ask('rss')
    const want = opts.conns ?? 50
    let opened = 0,
      limit = null
    try {
      for (; opened < want; opened++) await within(open(), 10000, `connection ${opened + 6}`)
    } catch (e) {
      limit = String(e?.message ?? e)
    }
    const after = await ask('rss')
    return { opened, kibPerConn: opened ? (after - before) / 1024 / opened : null, limit, held: await ask('held') }
  },

  /* The last three workloads test for data loss and limits, not speed. */

  async F(address) {
    // closes the connection right after finish(): does all data arrive?
    const times = 20,
      blocks = 4
    for (let n = 0; n < times; n++) {
      const conn = await adapter.connect(address, { mode })
      const s = await conn.openStream()
      for (let i = 0; i < blocks; i++) await s.write(block)
      await s.finish()
      await conn.close()
    }
    await sleep(2000)
    const { whole, bytes } = await ask('total')
    return { sent: times, arrivedWhole: whole, arrivedKiB: bytes / 1024, ofKiB: times * blocks * 64 }
  },

  async G(address) {
    // the peer does not read for 3 s: does write() wait, does all data arrive?
    const most = adapter.info.bulkMiB < 64 ? 16 : 64
    const conn = await adapter.connect(address, { mode })
    const s = await conn.openStream()
    let wrote = 0,
      stop = false
    const before = process.memoryUsage().rss + (await ask('rss'))
    const writing = (async () => {
      while (wrote < most * 16 && !stop) {
        await s.write(block)
        wrote++
      }
    })()
    writing.catch(() => {})
    await sleep(3000)
    const accepted = wrote / 16
    const grown = (process.memoryUsage().rss + (await ask('rss')) - before) / 1048576
    stop = true
    await ask('go')
    let error = null
    await within(
      (async () => {
        await writing
        await s.finish()
        await readToEnd(s)
      })(),
      60000,
      'rest'
    ).catch(e => {
      error = String(e?.message ?? e)
    })
    const { bytes, ok } = (await ask('sunk')) ?? { bytes: 0 }
    return {
      acceptedMiB: accepted,
      rssGrowthMiB: grown,
      wroteMiB: wrote / 16,
      arrivedMiB: bytes / 1048576,
      intact: ok,
      error
    }
  },

  async H(address) {
    // one write() of many MiB
    const out = {}
    for (const mib of opts.sizes ?? [1, 16, 64]) {
      const big = new Uint8Array(mib * 1048576)
      for (let i = 0; i < mib * 16; i++) big.set(block, i * BLOCK)
      const t = performance.now()
      try {
        await within(
          (async () => {
            const conn = await adapter.connect(address, { mode })
            const s = await conn.openStream()
            await s.write(big)
            await s.finish()
            await readToEnd(s)
            await conn.close()
          })(),
          45000,
          'write'
        )
        const { bytes, ok } = await ask('sunk')
        out[`${mib}MiB`] =
          bytes === big.length && ok ? `ok ${Math.round(performance.now() - t)} ms` : `arrived ${bytes}, intact ${ok}`
      } catch (e) {
        out[`${mib}MiB`] = `failed: ${e?.message ?? e}`
        break
      }
    }
    return out
  }
}

async function client() {
  process.on('message', async m => {
    if ('answer' in m) return pending(m.answer)
    if (!m.address) return
    try {
      process.send({ result: await workloads[workload](m.address) })
    } catch (e) {
      process.send({ error: String(e?.stack ?? e) })
    }
  })
  process.send({ hello: true })
}

process.on('disconnect', () => process.exit())
process.on('unhandledRejection', e => {
  if (opts.verbose) console.error(`${lib} ${role} unhandledRejection:`, e)
})
await (role === 'server' ? server() : client())
