// Driver: runs the workloads of all libraries, interleaved, and appends one JSON line per run.
//   node bench.mjs [--lib a,b] [--work A,B,C,Ds,Dc,E] [--runs 3] [--out results.jsonl] [--timeout 120] [--opts '{"mib":64}']
import { fork, spawn, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
const everyLib = readdirSync(`${here}libs`).filter(l => existsSync(`${here}libs/${l}/adapter.mjs`))
const { values: o } = parseArgs({
  options: {
    lib: { type: 'string', default: everyLib.join(',') },
    work: { type: 'string', default: 'A,B,C,Ds,Dc,E' },
    runs: { type: 'string', default: '3' },
    out: { type: 'string', default: `${here}results.jsonl` },
    timeout: { type: 'string', default: '120' },
    opts: { type: 'string', default: '{}' },
    verbose: { type: 'boolean', default: false }
  }
})
const libs = o.lib.split(','),
  works = o.work.split(','),
  runs = Number(o.runs)
const env = { ...process.env, BENCH_OPTS: JSON.stringify({ ...JSON.parse(o.opts), verbose: o.verbose }) }

// A library whose info has `exe` is a native program that exchanges the worker's messages as JSON lines.
const infos = {}
for (const l of libs) infos[l] = (await import(`./libs/${l}/adapter.mjs`)).info
function forkNative({ exe, env: extra }, role, work) {
  const p = spawn(exe, [role, work], { env: { ...env, ...extra }, stdio: ['pipe', 'pipe', 'pipe'] })
  p.send = m => p.stdin.write(`${JSON.stringify(m)}\n`)
  p.stdin.on('error', () => {})
  p.connected = true
  let rest = ''
  p.stdout.on('data', d => {
    const lines = (rest + d).split('\n')
    rest = lines.pop()
    for (const l of lines) if (l) p.emit('message', JSON.parse(l))
  })
  return p
}

// Runs server and client as two child processes, and always kills both by pid.
function measure(lib, work) {
  return new Promise(resolve => {
    const kids = []
    const start = role => {
      const p = infos[lib].exe
        ? forkNative(infos[lib], role, work)
        : fork(`${here}worker.mjs`, [role, lib, work], {
            env,
            execArgv: ['--expose-gc'],
            stdio: ['ignore', 'ignore', 'pipe', 'ipc']
          })
      p.err = ''
      p.stderr.on('data', d => {
        p.err = (p.err + d).slice(-4000)
        if (o.verbose) process.stderr.write(d)
      })
      p.on('error', () => {})
      p.on('exit', (code, sig) => {
        if (!p.ending) done({ error: `${role} exited (${sig ?? code}) ${p.err.slice(-600)}` })
      })
      kids.push(p)
      return p
    }
    const timer = setTimeout(() => done({ error: `timeout after ${o.timeout} s` }), Number(o.timeout) * 1000)
    let finished = false
    function done(r) {
      if (finished) return
      finished = true
      clearTimeout(timer)
      Promise.all(
        kids.map(
          p =>
            new Promise(r => {
              p.ending = true
              if (p.exitCode !== null || p.signalCode !== null) return r()
              p.once('exit', r)
              p.kill('SIGTERM')
              setTimeout(() => p.kill('SIGKILL'), 1500).unref()
            })
        )
      ).then(() => resolve(r))
    }
    const server = start('server')
    let client
    server.on('message', m => {
      if (m.address) {
        client = start('client')
        client.on('message', c => {
          if (c.hello) client.send({ address: m.address })
          else if (c.ask) server.connected && server.send({ ask: c.ask })
          else done(c.result ?? { error: c.error })
        })
      } else if ('answer' in m) client.connected && client.send({ answer: m.answer })
    })
  })
}

// Measures import time (minus an empty process) and installed size. Needs no server.
async function measureImport(lib) {
  const { info } = await import(`./libs/${lib}/adapter.mjs`)
  const cwd = `${here}libs/${lib}`
  // Files, as programs are: with --eval, the import would also pay for Node's first read of a module.
  const folder = mkdtempSync(`${cwd}/import-`)
  const program = (name, imports) => {
    const file = `${folder}/${name}.mjs`
    writeFileSync(file, `${imports}\nprocess.exit(0)\n`)
    return file
  }
  const empty = program('empty', '')
  const full = program('full', info.modules.map(m => `import ${JSON.stringify(m)}`).join('\n'))
  const wall = file => {
    const t = performance.now()
    const r = spawnSync(process.execPath, ['--no-warnings', file], { cwd, timeout: 30000 })
    if (r.status !== 0) throw new Error(String(r.stderr).slice(-500))
    return performance.now() - t
  }
  const median = a => a.sort((x, y) => x - y)[a.length >> 1]
  const emptyMs = []
  const fullMs = []
  wall(full)
  for (let i = 0; i < 7; i++) {
    emptyMs.push(wall(empty))
    fullMs.push(wall(full))
  }
  rmSync(folder, { recursive: true })
  const nm = `${cwd}/node_modules`
  const kib = existsSync(nm) ? Number(spawnSync('du', ['-sk', nm]).stdout.toString().split('\t')[0]) : 0
  const lock = `${nm}/.package-lock.json`
  const packages = existsSync(lock)
    ? Object.keys(JSON.parse(readFileSync(lock, 'utf8')).packages).filter(p => p && existsSync(`${cwd}/${p}`)).length
    : 0
  return { importMs: median(fullMs) - median(emptyMs), emptyMs: median(emptyMs), mib: kib / 1024, packages }
}

for (let run = 1; run <= runs; run++) {
  for (const work of works) {
    for (const lib of libs) {
      const t = Date.now()
      const r = work === 'E' ? await measureImport(lib).catch(e => ({ error: String(e) })) : await measure(lib, work)
      const rec = {
        lib,
        work,
        run,
        node: process.version,
        load: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
        secs: (Date.now() - t) / 1000,
        ...r
      }
      appendFileSync(o.out, `${JSON.stringify(rec)}\n`)
      console.log(JSON.stringify(rec, (k, v) => (typeof v === 'number' ? Math.round(v * 1000) / 1000 : v)))
    }
  }
}
