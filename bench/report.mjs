// Prints medians and ratios from results.jsonl as Markdown: node report.mjs [--in results.jsonl] [--base iroh-official]
// With --plot FILE, also draws some of the medians as SVG.
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { plot } from './plot.mjs'

const { values: o } = parseArgs({
  options: {
    in: { type: 'string', default: 'results.jsonl' },
    base: { type: 'string', default: 'iroh-official' },
    plot: { type: 'string' }
  }
})
const recs = o.in.split(',').flatMap(f =>
  readFileSync(f, 'utf8')
    .trim()
    .split('\n')
    .map(l => JSON.parse(l))
)
const libs = [...new Set(recs.map(r => r.lib))]
// Records of a published run carry their title, so that reading them needs no installed library.
const info = async lib => {
  const published = recs.find(r => r.lib === lib && r.title !== undefined)
  return published ? { title: published.title, multiplexed: true } : (await import(`./libs/${lib}/adapter.mjs`)).info
}
const title = Object.fromEntries(await Promise.all(libs.map(async l => [l, await info(l)])))

const columns = [
  ['A', 'mibps', 'A: bulk MiB/s'],
  ['A', 'cpuPerGiB', 'A: CPU s/GiB'],
  ['B', 'p50', 'B: p50 ms'],
  ['B', 'p99', 'B: p99 ms'],
  ['B', 'rps', 'B: req/s, 64 in flight'],
  ['C', 'p50', 'C: connect ms'],
  ['Ds', 'kibPerStream', 'D: KiB/stream'],
  ['Ds', 'kibPerFurther', 'D: KiB/further stream'],
  ['Dc', 'kibPerConn', 'D: KiB/conn'],
  ['E', 'importMs', 'E: import ms'],
  ['E', 'mib', 'E: MiB on disk'],
  ['E', 'packages', 'E: packages']
]
const values = (lib, work, key) =>
  recs
    .filter(r => r.lib === lib && r.work === work && typeof r[key] === 'number')
    .map(r => r[key])
    .sort((a, b) => a - b)
const median = a => (a.length ? (a.length % 2 ? a[a.length >> 1] : (a[a.length / 2 - 1] + a[a.length / 2]) / 2) : null)
const fmt = x =>
  x === null
    ? '–'
    : Number.isInteger(x) && x < 1000
      ? String(x)
      : Math.abs(x) >= 100
        ? Math.round(x).toLocaleString('en')
        : Math.abs(x) >= 10
          ? x.toFixed(1)
          : x.toFixed(2)
// Short names for the plot.
const names = { 'iroh-rust': 'iroh in Rust', hyperdht: 'hyperdht', 'node-http2-wide': 'node:http2' }
const mark = (lib, work) => (work === 'B' && !title[lib].multiplexed ? '†' : '')
const table = cell => {
  console.log(`| library | ${columns.map(c => c[2]).join(' | ')} |`)
  console.log(`|---|${columns.map(() => '--:').join('|')}|`)
  for (const l of libs) console.log(`| ${title[l].title} | ${columns.map(([w, k]) => cell(l, w, k)).join(' | ')} |`)
  console.log()
}
const n = Math.max(...libs.map(l => values(l, 'A', 'mibps').length))
console.log(`Medians of up to ${n} interleaved runs, Node ${[...new Set(recs.map(r => r.node))]}:\n`)
table((l, w, k) => fmt(median(values(l, w, k))) + mark(l, w))
console.log(`Lowest to highest of the runs:\n`)
table((l, w, k) => {
  const v = values(l, w, k)
  return v.length ? `${fmt(v[0])} … ${fmt(v.at(-1))}` : '–'
})
console.log(`Ratio to ${title[o.base].title} (its median = 1):\n`)
table((l, w, k) => {
  const a = median(values(l, w, k)),
    b = median(values(o.base, w, k))
  return a === null || !b ? '–' : `×${fmt(a / b)}`
})
const bad = recs.filter(r => r.error || r.limit)
if (bad.length) {
  console.log('Failures and limits:\n')
  for (const r of bad)
    console.log(`- ${r.lib} ${r.work} run ${r.run}: ${(r.error ?? r.limit).split('\n')[0].slice(0, 200)}`)
}

if (o.plot !== undefined) {
  const panel = (work, key, heading, better) => ({
    title: heading,
    better,
    bars: libs
      .filter(l => l !== 'fastn-net-guarded')
      .flatMap(l => {
        const value = median(values(l, work, key))
        const kind = l === 'fastn-net' ? 'own' : l.startsWith('iroh-rust') ? 'bound' : 'other'
        return value === null ? [] : [{ label: names[l] ?? title[l].title, value, text: fmt(value), kind }]
      })
  })
  const panels = [
    panel('A', 'mibps', 'One stream, MiB/s', 'more'),
    panel('B', 'rps', 'Requests per second, 64 in flight', 'more'),
    panel('B', 'p50', 'One request, median, ms', 'less'),
    panel('C', 'p50', 'Connect and first request, median, ms', 'less')
  ]
  const note =
    'Two processes on one machine, 2 cores, Node 20; medians. iroh in Rust is the upper bound: no JavaScript.'
  writeFileSync(o.plot, plot('Benchmark of fastn-net and other libraries', panels, note))
}
