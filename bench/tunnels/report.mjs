// Tables from results.jsonl: median [min-max], ratio to direct, ratio to the best encrypted tunnel. node report.mjs [FILE]
import { readFileSync } from 'node:fs'

const HERE = import.meta.dirname

const rows = readFileSync(process.argv[2] ?? `${HERE}/results.jsonl`, 'utf8')
  .trim()
  .split('\n')
  .map(l => JSON.parse(l))
const cell = new Map()
for (const { tool, metric, value } of rows) {
  const k = `${metric}\t${tool}`
  cell.set(k, [...(cell.get(k) ?? []), value])
}
const values = (metric, tool) => cell.get(`${metric}\t${tool}`)?.filter(v => typeof v === 'number') ?? []
const median = a => {
  const s = [...a].sort((x, y) => x - y),
    m = s.length >> 1
  return s.length % 2 ? s[m] : (s[m - 1] + s[m]) / 2
}
const fmt = v =>
  v === undefined || Number.isNaN(v) ? '' : v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2)
const PLAIN = ['direct', 'socat', 'bore', 'node-http', 'undici', 'node-fetch'],
  P2P = ['dumbpipe', 'hypertele', 'hyperdht-http', 'iroh-js', 'iroh-http-core']
const LESS = /us$|ms$|MiB$|cpuSperGiB$|errors$/

function table(title, metrics, base) {
  const tools = [...new Set(rows.filter(r => metrics.some(([m]) => m === r.metric)).map(r => r.tool))]
  if (!tools.length) return
  console.log(
    `\n## ${title}\n\n| tool | ${metrics.map(([, label]) => label).join(' | ')} |\n|---|${metrics.map(() => '---').join('|')}|`
  )
  const best = (metric, pool) => {
    const all = tools
      .filter(pool)
      .map(t => [median(values(metric, t)), t])
      .filter(([v]) => v > 0)
    return all.sort(([a], [b]) => (LESS.test(metric) ? a - b : b - a))[0]
  }
  for (const t of tools) {
    console.log(
      `| ${t} | ${metrics
        .map(([m]) => {
          const v = values(m, t)
          if (!v.length) return cell.has(`${m.split('.').slice(0, -1).join('.')}.failed\t${t}`) ? 'failed' : ''
          const ref = base && median(values(m, base))
          return `${fmt(median(v))} [${fmt(Math.min(...v))}-${fmt(Math.max(...v))}]${ref && t !== base && !/errors|open$/.test(m) ? ` ×${fmt(median(v) / ref)}` : ''}`
        })
        .join(' | ')} |`
    )
  }
  const line = (name, pool) =>
    console.log(
      `| *best ${name}* | ${metrics
        .map(([m]) => {
          const b = !m.endsWith('errors') && best(m, pool)
          return b ? `${fmt(b[0])} ${b[1]}` : ''
        })
        .join(' | ')} |`
    )
  line('encrypted', t => !PLAIN.includes(t))
  line('P2P', t => P2P.includes(t))
}

const B = ['up1', 'down1', 'both1', 'up8', 'down8']
table(
  'Bulk, MiB/s',
  B.map(n => [`bulk.${n}.MiBperS`, n]),
  'direct'
)
table(
  'Bulk, CPU s/GiB of the tunnel; peak memory',
  [...B.map(n => [`bulk.${n}.cpuSperGiB`, n]), ['bulk.peakMiB', 'peak MiB']],
  'socat'
)
table(
  'New connections',
  [
    ['connect1.perS', 'sequential /s'],
    ['connect1.p50us', 'p50 µs'],
    ['connect1.p99us', 'p99 µs'],
    ['connect32.perS', '32 in flight /s'],
    ['connect32.p99us', 'p99 µs'],
    ['connect32.errors', 'errors']
  ],
  'direct'
)
table(
  'Round trip of 128 B; start; memory',
  [
    ['rr.p50us', 'p50 µs'],
    ['rr.p99us', 'p99 µs'],
    ['start.ms', 'start ms'],
    ['memory.idleMiB', 'idle MiB'],
    ['memory.idlePssMiB', 'idle PSS MiB'],
    ['memory.open200MiB', '200 open MiB']
  ],
  'direct'
)
table(
  'HTTP through the tunnel',
  [
    ['http1.reqPerS', '1 conn req/s'],
    ['http1.p50ms', 'p50 ms'],
    ['http1.p99ms', 'p99 ms'],
    ['http64.reqPerS', '64 conn req/s'],
    ['http64.p50ms', 'p50 ms'],
    ['http64.p99ms', 'p99 ms']
  ],
  'direct'
)
table(
  'Libraries',
  [
    ['lib.get.p50us', 'GET p50 µs'],
    ['lib.get.p99us', 'p99 µs'],
    ['lib.get64.perS', '64 in flight req/s'],
    ['lib.get64.p50us', 'p50 µs'],
    ['lib.get64.errors', 'errors'],
    ['lib.down.MiBperS', '64 MiB down MiB/s'],
    ['lib.up.MiBperS', 'up MiB/s'],
    ['lib.down.cpuSperGiB', 'down CPU s/GiB'],
    ['lib.up.cpuSperGiB', 'up CPU s/GiB'],
    ['lib.rssMiB', 'RSS MiB']
  ],
  'node-fetch'
)

const behave = [...new Set(rows.filter(r => r.metric.startsWith('behave.')).map(r => r.metric))]
if (behave.length) {
  const tools = [...new Set(rows.filter(r => r.metric.startsWith('behave.')).map(r => r.tool))]
  console.log(`\n## Behaviour\n\n| | ${tools.join(' | ')} |\n|---|${tools.map(() => '---').join('|')}|`)
  for (const m of behave)
    console.log(`| ${m.slice(7)} | ${tools.map(t => cell.get(`${m}\t${t}`)?.at(-1) ?? '').join(' | ')} |`)
}
const failed = rows.filter(r => r.metric.endsWith('.failed'))
if (failed.length)
  console.log(
    `\n## Failed\n\n${failed.map(r => `- run ${r.run} ${r.tool} ${r.metric}: ${String(r.value).slice(0, 200)}`).join('\n')}`
  )
