// Measures TCP tunnels: node tunnels.mjs [--tools a,b] [--only bulk,small,http,behave] [--runs 3] [--seconds 3]
import { readdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import {
  cpuSeconds,
  freePort,
  group,
  HERE,
  loopbackOnly,
  opt,
  output,
  peakMiB,
  portUp,
  pssMiB,
  record,
  rssMiB,
  sleep
} from './lib.mjs'

loopbackOnly()
const all = readdirSync(`${HERE}/tools`).map(f => f.replace('.mjs', ''))
const names = opt.tools?.split(',') ?? all
const tools = await Promise.all(names.map(async name => ({ name, ...(await import(`./tools/${name}.mjs`)) })))

const GiB = 2 ** 30,
  MiB = 2 ** 20
const iperf = (port, parallel, ...flags) =>
  output('iperf3', ['-c', '127.0.0.1', '-p', port, '-t', opt.seconds, '-P', parallel, '-J', ...flags], 25000).then(
    JSON.parse
  )
const tcpload = async (...args) => JSON.parse(await output('tcpload', args, 60000))
const ms = s => parseFloat(s) * { us: 1e-3, ms: 1, s: 1e3, m: 6e4 }[s.match(/[a-z]+/)[0]]
const wrk = async (port, connections) => {
  const text = await output('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${opt.seconds}s`,
    '--latency',
    `http://127.0.0.1:${port}/`
  ])
  const get = re => text.match(re)?.[1]
  return {
    requests: +get(/(\d+) requests in/),
    reqPerS: +get(/Requests\/sec:\s+(\S+)/),
    p50ms: ms(get(/^\s+50%\s+(\S+)/m)),
    p99ms: ms(get(/^\s+99%\s+(\S+)/m)),
    bad: +(get(/Non-2xx.*: (\d+)/) ?? 0)
  }
}

// Each part starts the server behind the tunnel, then measures through the local port `port` of the tunnel `t`.
const parts = {
  bulk: {
    server: (g, target) => g.run('iperf3', ['-s', '-p', target, '-B', '127.0.0.1'], { count: false }),
    async measure({ port, pids, note }) {
      for (const [name, parallel, ...flags] of [
        ['up1', 1],
        ['down1', 1, '-R'],
        ['both1', 1, '--bidir'],
        ['up8', 8],
        ['down8', 8, '-R']
      ]) {
        await note(`bulk.${name}`, async () => {
          const before = cpuSeconds(pids())
          const { end, error } = await iperf(port, parallel, ...flags)
          if (!end?.sum_received) throw new Error(`iperf3: ${error}`)
          const cpu = cpuSeconds(pids()) - before,
            received = [end.sum_received, end.sum_received_bidir_reverse].filter(Boolean),
            bytes = received.reduce((sum, each) => sum + each.bytes, 0)
          return {
            MiBperS: bytes / end.sum_received.seconds / MiB,
            cpuSperGiB: pids().length ? cpu / (bytes / GiB) : undefined
          }
        })
        await sleep(300)
      }
      await note('bulk', async () => (pids().length ? { peakMiB: peakMiB(pids()) } : {}))
    }
  },
  small: {
    server: (g, target) => g.run('tcpload', ['echo', target], { count: false }),
    async measure({ port, pids, note, started }) {
      await note('start', async () => {
        await tcpload('connect', port, 1, 1)
        return { ms: Date.now() - started - 300 }
      })
      await note('memory', async () => ({ idleMiB: rssMiB(pids()), idlePssMiB: pssMiB(pids()) }))
      await note('rr', async () => pick(await tcpload('rr', port, 5000, 128), 'p50us', 'p99us'))
      await note('connect1', async () =>
        pick(await tcpload('connect', port, 500, 1), 'perS', 'p50us', 'p99us', 'errors')
      )
      await note('connect32', async () =>
        pick(await tcpload('connect', port, 2000, 32), 'perS', 'p50us', 'p99us', 'errors')
      )
      await note('memory', async () => {
        const g = group()
        const load = g.run('tcpload', ['idle', port, 200, 20])
        const [, open] = await load.line(/"open":(\d+)/, 30000)
        await sleep(1000)
        const values = { open200MiB: rssMiB(pids()), open: +open }
        await g.stop()
        return values
      })
    }
  },
  http: {
    server(g, target) {
      writeFileSync(
        `${g.dir}/nginx.conf`,
        `daemon off; ${process.getuid() ? '' : 'user root;'} worker_processes 1; pid ${g.dir}/pid; error_log stderr crit;
        events { worker_connections 4096; }
        http { access_log off; keepalive_requests 1000000000; ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(n => `${n}_temp_path ${g.dir}/${n};`).join(' ')}
          server { listen 127.0.0.1:${target}; location / { return 200 "hello, world\\n"; } } }`
      )
      g.run('nginx', ['-c', `${g.dir}/nginx.conf`, '-p', g.dir], { count: false })
    },
    async measure({ port, pids, note }) {
      for (const connections of [1, 64])
        await note(`http${connections}`, async () => {
          const before = cpuSeconds(pids())
          const { requests, ...values } = await wrk(port, connections)
          const cpu = cpuSeconds(pids()) - before
          return { ...values, cpuUsPerReq: pids().length ? (cpu / requests) * 1e6 : undefined }
        })
    }
  },
  behave: {
    // the client is its own target
    async measure({ port, target, note, killFar }) {
      await note('behave', () => tcpload('behave', port, target))
      if (port !== target) await note('behave', () => farSideDies(port, target, killFar))
    }
  }
}
/** Opens one connection and kills the process at the target's side. Records how the client's connection ends, and when. */
async function farSideDies(port, target, killFar) {
  const server = net.createServer(s => s.on('error', () => {}).pipe(s))
  await new Promise(r => server.listen(target, '127.0.0.1', r))
  const c = net.connect(port, '127.0.0.1')
  await new Promise((resolve, reject) => c.once('data', resolve).once('error', reject).write('x'))
  const killed = Date.now()
  killFar()
  const seen = await new Promise(r => {
    c.on('error', e => r(e.code)).on('end', () => r('clean end'))
    setTimeout(r, 65000, 'nothing')
  })
  c.destroy()
  server.close()
  return { farSideDies: `${seen} after ${((Date.now() - killed) / 1000).toFixed(1)} s` }
}

const pick = (o, ...keys) => Object.fromEntries(keys.map(k => [k, o[k]]))

for (let i = 0, run = +opt.run; i < +opt.runs; i++, run++) {
  for (const part of opt.only.split(',')) {
    for (const tool of tools) {
      if (part === 'behave' && run > 1) continue
      const g = group()
      const note = async (name, fn) => {
        try {
          const values = await fn()
          record(
            run,
            tool.name,
            Object.fromEntries(
              Object.entries(values)
                .filter(([, v]) => v !== undefined)
                .map(([k, v]) => [`${name}.${k}`, v])
            )
          )
        } catch (e) {
          record(run, tool.name, { [`${name}.failed`]: e.message })
        }
      }
      try {
        const target = await freePort(),
          port = await freePort()
        if (parts[part].server) {
          parts[part].server(g, target)
          await portUp(target)
        }
        const started = Date.now()
        const local = (await tool.start({ target, port, ...g, freePort, portUp, started })) ?? port
        if (local !== target) await portUp(local)
        await sleep(300) // wait until the probe of portUp has closed
        await parts[part].measure({ port: local, target, pids: g.pids, killFar: g.killFirst, note, started })
      } catch (e) {
        record(run, tool.name, { [`${part}.failed`]: e.message })
      }
      await g.stop()
    }
  }
}
