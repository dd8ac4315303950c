// Shared by the harness: processes, ports, /proc and results.
import { spawn, spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'

export const HERE = import.meta.dirname
export const sleep = ms => new Promise(r => setTimeout(r, ms))
process.env.PATH += `:${HERE}/bin:${HERE}/node_modules/.bin:/usr/sbin`

export const { values: opt } = parseArgs({
  options: {
    tools: { type: 'string' },
    only: { type: 'string', default: 'bulk,small,http,behave' },
    runs: { type: 'string', default: '3' },
    run: { type: 'string', default: '1' }, // number of the first run
    seconds: { type: 'string', default: '3' },
    out: { type: 'string', default: path.join(HERE, 'results.jsonl') }
  }
})

/** Restarts the script in a network namespace with loopback only, so that no tool can reach another machine. */
export function loopbackOnly() {
  if (process.env.LOOPBACK_ONLY || process.getuid() !== 0) return
  const r = spawnSync(
    'unshare',
    ['-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, ...process.argv.slice(1)],
    {
      stdio: 'inherit',
      env: { ...process.env, LOOPBACK_ONLY: '1' }
    }
  )
  process.exit(r.status ?? 1)
}

let nextPort = 20000 + (process.pid % 1000) * 10
export const freePort = async () => {
  for (;;) {
    const port = nextPort++
    const ok = await new Promise(r => {
      const s = net.createServer().once('error', () => r(false))
      s.listen(port, '127.0.0.1', () => s.close(() => r(true)))
    })
    if (ok) return port
  }
}

export async function portUp(port, ms = 20000) {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(20)) {
    const ok = await new Promise(r => {
      const s = net
        .connect(port, '127.0.0.1', () => {
          s.destroy()
          r(true)
        })
        .once('error', () => r(false))
    })
    if (ok) return
  }
  throw new Error(`nothing listens on port ${port}`)
}

/** A group of processes with a scratch folder, killed together. */
export function group() {
  const kids = [],
    counted = [],
    dir = mkdtempSync(path.join(os.tmpdir(), 'bench-'))
  return {
    dir,
    pids: () => tree(counted),
    killFirst: () => {
      for (const pid of tree(counted.slice(0, 1))) process.kill(pid, 'SIGKILL')
    },
    run(cmd, args, { count = true, env = {} } = {}) {
      const p = spawn(cmd, args.map(String), {
        cwd: HERE,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe']
      })
      let text = ''
      for (const s of [p.stdout, p.stderr])
        s.on('data', d => {
          text = (text + d).slice(-20000)
        })
      p.on('error', e => {
        text += e
      })
      kids.push(p)
      if (count) counted.push(p.pid)
      return {
        pid: p.pid,
        text: () => text,
        async line(re, ms = 20000) {
          for (const end = Date.now() + ms; Date.now() < end; await sleep(10)) {
            const m = text.match(re)
            if (m) return m
            if (p.exitCode !== null) break
          }
          throw new Error(`${cmd}: no ${re} in: ${text.slice(-500)}`)
        }
      }
    },
    sh(cmd, args) {
      const r = spawnSync(cmd, args.map(String), { encoding: 'utf8' })
      if (r.status !== 0) throw new Error(`${cmd}: ${r.error ?? r.stderr}`)
      return r.stdout
    },
    async stop() {
      const all = tree(kids.map(p => p.pid))
      for (const pid of all)
        try {
          process.kill(pid, 'SIGTERM')
        } catch {}
      await sleep(200)
      for (const pid of all)
        try {
          process.kill(pid, 'SIGKILL')
        } catch {}
      rmSync(dir, { recursive: true, force: true })
    }
  }
}

/** Runs one command to completion. */
export function output(cmd, args, ms = 30000) {
  return new Promise((resolve, reject) => {
    const p = spawn(cmd, args.map(String), { cwd: HERE })
    let out = '',
      err = ''
    p.stdout.on('data', d => {
      out += d
    })
    p.stderr.on('data', d => {
      err += d
    })
    const timer = setTimeout(() => p.kill('SIGKILL'), ms)
    p.on('error', reject)
    p.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0 || out.startsWith('{'))
        resolve(out) // iperf3 -J reports its error in JSON
      else
        reject(
          new Error(`${cmd} ${signal ? `did not end in ${ms / 1000} s` : `exit ${code}`}: ${(err || out).slice(-300)}`)
        )
    })
  })
}

// ---- /proc ----
const stat = pid => {
  const s = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const f = s.slice(s.lastIndexOf(')') + 2).split(' ')
  return { ppid: +f[1], ticks: f.slice(11, 15).reduce((a, b) => a + +b, 0) } // user and system time, including reaped children
}

function tree(roots) {
  const kids = new Map()
  for (const pid of readdirSync('/proc')
    .filter(n => /^\d+$/.test(n))
    .map(Number)) {
    try {
      const { ppid } = stat(pid)
      kids.set(ppid, [...(kids.get(ppid) ?? []), pid])
    } catch {}
  }
  const all = []
  for (const q = [...roots]; q.length; ) {
    const p = q.pop()
    all.push(p)
    q.push(...(kids.get(p) ?? []))
  }
  return all
}

export const cpuSeconds = pids =>
  pids.reduce((a, pid) => {
    try {
      return a + stat(pid).ticks / 100
    } catch {
      return a
    }
  }, 0)

const field = (pids, file, key) =>
  pids.reduce((a, pid) => {
    try {
      return (
        a +
        +(readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'))?.[1] ?? 0) / 1024
      )
    } catch {
      return a
    }
  }, 0)
export const rssMiB = pids => field(pids, 'status', 'VmRSS')
/** The processes' share of the machine's memory: pages shared by several processes, such as Node's code, are divided among them. */
export const pssMiB = pids => field(pids, 'smaps_rollup', 'Pss')
export const peakMiB = pids => field(pids, 'status', 'VmHWM')

export function record(run, tool, values) {
  for (const [metric, value] of Object.entries(values)) {
    const v = typeof value === 'number' ? +value.toPrecision(5) : value
    appendFileSync(opt.out, `${JSON.stringify({ run, tool, metric, value: v })}\n`)
  }
  console.log(
    run,
    tool,
    JSON.stringify(values, (k, v) => (typeof v === 'number' ? +v.toPrecision(4) : v))
  )
}
