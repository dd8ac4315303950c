// Measures fetch()/serve() libraries, with server and client in separate processes: node libs.mjs [--tools a,b] [--runs 3] [--seconds 3]
import { readdirSync } from 'node:fs'
import { cpuSeconds, group, HERE, loopbackOnly, opt, record, rssMiB } from './lib.mjs'

const MiB = 2 ** 20,
  BIG = 64 * MiB
const { LIB_ROLE: role, LIB_NAME: name, LIB_ADDRESS: address, LIB_SECONDS: seconds } = process.env

if (role === 'serve') {
  const lib = await import(`./libs/${name}.mjs`)
  console.log(`address ${await lib.serve()} .`)
} else if (role === 'client') {
  const { get, post } = await (await import(`./libs/${name}.mjs`)).connect(address)
  const until = () => Date.now() + seconds * 1000
  const q = (a, p) => a.sort((x, y) => x - y)[Math.round((a.length - 1) * p)] * 1000
  const out = o => console.log(`result ${JSON.stringify(o)} .`)
  const small = async times => {
    const t = performance.now()
    if ((await get('/small')) !== 13) throw new Error('wrong body')
    times.push(performance.now() - t)
  }
  for (let i = 0, end = until(); i < 300 && Date.now() < end; i++) await small([])

  const one = []
  for (const end = until(); one.length < 3000 && Date.now() < end; ) await small(one)
  out({ 'get.p50us': q(one, 0.5), 'get.p99us': q(one, 0.99) })

  const many = [],
    start = performance.now()
  let errors = 0
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (const end = until(); Date.now() < end; )
        await small(many).catch(e => {
          if (!errors++) console.error('first error:', e)
        })
    })
  )
  out({
    'get64.perS': (many.length / (performance.now() - start)) * 1000,
    'get64.p50us': q(many, 0.5),
    'get64.p99us': q(many, 0.99),
    'get64.errors': errors
  })

  for (const [what, fn] of [
    ['down', () => get(`/down/${BIG}`)],
    ['up', () => post('/up', BIG)]
  ]) {
    const t = performance.now()
    const n = await Promise.race([fn(), new Promise(r => setTimeout(r, 30000, 'not done in 30 s'))])
    out(n === BIG ? { [`${what}.MiBperS`]: 64 / ((performance.now() - t) / 1000) } : { [`${what}.failed`]: String(n) })
  }
  out({ done: 1 })
  process.exit()
} else {
  loopbackOnly()
  const names =
    opt.tools?.split(',') ??
    readdirSync(`${HERE}/libs`)
      .filter(f => f.endsWith('.mjs'))
      .map(f => f.replace('.mjs', ''))
  for (let i = 0, run = +opt.run; i < +opt.runs; i++, run++) {
    for (const name of names) {
      const g = group(),
        values = {}
      const put = o => record(run, name, Object.fromEntries(Object.entries(o).map(([k, v]) => [`lib.${k}`, v])))
      try {
        const { native } = await import(`./libs/${name}.mjs`)
        if (native) {
          const [, address] = await g.run(native.serve[0], native.serve.slice(1)).line(/address (\S+)/)
          const [cmd, ...args] = native.client(address, opt.seconds)
          put(JSON.parse((await g.run(cmd, args).line(/^(\{.*\})$/m, 90000))[1]))
          await g.stop()
          continue
        }
        const start = (role, address) =>
          g.run(process.execPath, [`${HERE}/libs.mjs`], {
            env: { LIB_ROLE: role, LIB_NAME: name, LIB_ADDRESS: address, LIB_SECONDS: opt.seconds }
          })
        const [, address] = await start('serve').line(/address (.*) \./)
        const client = start('client', address)
        let cpu = 0
        for (const key of ['get.p50us', 'get64.perS', 'down.', 'up.', 'done']) {
          const [, json] = await client.line(new RegExp(`result (\\{"${key.replace('.', '\\.')}.*?\\}) \\.`), 60000)
          Object.assign(values, JSON.parse(json))
          const now = cpuSeconds(g.pids())
          if (/^(down|up)/.test(key)) values[`${key}cpuSperGiB`] = (now - cpu) * 16
          cpu = now
          if (key === 'up.') values.rssMiB = rssMiB(g.pids())
        }
        delete values.done
        put(values)
      } catch (e) {
        put({ ...values, failed: e.message })
      }
      await g.stop()
    }
  }
}
