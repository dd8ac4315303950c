import { readFileSync } from 'node:fs'
import test from 'ava'
import type { Endpoint } from 'fastn-net'
import { Protocol } from 'fastn-net'
// A third-party parser: Prometheus accepts any text that it accepts.
import parse, { type Family, type Sample } from 'parse-prometheus-text-format'
import { Echo, pair } from '../helpers/pair.js'

function families(endpoint: Endpoint): Map<string, Family> {
  return new Map(parse(endpoint.metrics()).map(family => [family.name, family]))
}

function value(endpoint: Endpoint, name: string, labels?: Record<string, string>): number {
  const samples = families(endpoint).get(name)?.metrics ?? []
  const same = (sample: Sample) => Object.entries(labels ?? {}).every(([label, is]) => sample.labels?.[label] === is)
  return Number(samples.find(same)?.value)
}

/** Types of the metrics in docs/metrics.md, by name. */
const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| `(fastn_net_\w+)` \| (\w+) \|/gm)]
const documented = new Map(rows.map(([, name, type]) => [name!, type!]))

test('docs/metrics.md has every metric with its labels and help', async t => {
  const script: string = new URL('../../scripts/metrics.mjs', import.meta.url).href
  const { metrics, metricsTable } = (await import(script)) as Record<string, (families?: unknown) => unknown>
  t.true(page.includes(String(metricsTable?.(await metrics?.()))), 'npm run sync writes the table')
})

test('docs/metrics.md has a row for every reason of a close, and no other', async t => {
  await using peers = await pair()
  const closes = families(peers.client).get('fastn_net_connections_closed_total')
  const reasons = new Set(closes?.metrics.map(sample => (sample as Sample).labels?.reason))
  const [, table = ''] = page.split('## Close reasons')
  const listed = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(([, reason]) => reason!)
  t.deepEqual(listed.filter(reason => reason !== 'reason').toSorted(), [...reasons].toSorted() as string[])
})

test('the text has every metric with help and type, and each sample once', async t => {
  await using peers = await pair()
  const text = peers.client.metrics()
  t.true(text.endsWith('\n'))
  const found = families(peers.client)
  for (const [name, type] of documented) {
    const family = found.get(name)
    t.is(family?.type, type.toUpperCase(), name)
    t.true((family?.help.length ?? 0) > 10, name)
    t.true((family?.metrics.length ?? 0) > 0, name)
    found.delete(name)
  }
  t.deepEqual([...found.keys()], [])
  const samples = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const series = samples.map(line => line.slice(0, line.lastIndexOf(' ')))
  t.is(new Set(series).size, series.length)
  for (const line of samples) t.regex(line, /^fastn_net_[a-z_]+(\{[a-z]+="[^"\\]*"(,[a-z]+="[^"\\]*")*\})? [\d.e+-]+$/)
})

test('metrics count what a program did', async t => {
  await using peers = await pair()
  await using streams = held(await peers.stream())
  await peers.client.ping(peers.server.address())
  const { client, server } = peers
  t.is(value(client, 'fastn_net_connections', { direction: 'dialled' }), 1)
  t.is(value(server, 'fastn_net_connections', { direction: 'accepted' }), 1)
  t.is(value(client, 'fastn_net_streams_opened_total'), 2, 'one stream and one ping')
  t.is(value(server, 'fastn_net_streams_accepted_total'), 1)
  t.is(value(client, 'fastn_net_dials_total'), 1)
  t.is(value(client, 'fastn_net_retries_total', { what: 'dial' }), 0)

  const bytes = 1_000_000
  const before = value(client, 'fastn_net_sent_bytes_total')
  const [mine, theirs] = streams.both
  const reading = (async () => {
    for await (const _ of theirs);
  })()
  await mine.finish(new Uint8Array(bytes))
  await reading
  t.true(value(client, 'fastn_net_sent_bytes_total') - before > bytes)
  t.true(value(server, 'fastn_net_received_bytes_total') > bytes)

  await t.throwsAsync(client.getStream(server.address(), Protocol.generic('Nobody')), {
    code: 'ERR_PROTOCOL_UNSUPPORTED'
  })
  t.is(value(client, 'fastn_net_refusals_received_total', { code: 'unsupported' }), 1)
  t.is(value(server, 'fastn_net_refusals_sent_total', { code: 'unsupported' }), 1)
})

test('a histogram has buckets, sum and count; awaited acknowledgements count', async t => {
  await using peers = await pair()
  const { client, server } = peers
  const incoming = server.acceptBi(Echo)
  for (const ack of ['now', 'later', 'now'] as const) {
    const [mine, { value: theirs }] = await Promise.all([
      client.getStream(server.address(), Echo, { ack }),
      incoming.next()
    ])
    await theirs?.finish('there\n')
    await mine.finish()
    t.is(await mine.nextString(), 'there')
  }
  const [acks] = families(client).get('fastn_net_ack_seconds')?.metrics ?? []
  t.is(acks?.count, '2')
  t.true(Number(acks?.sum) > 0 && Number(acks?.sum) < 60)
  const bounds = Object.keys(acks?.buckets ?? {}).filter(bound => bound !== '+Inf')
  const counts = bounds.sort((a, b) => Number(a) - Number(b)).map(bound => Number(acks?.buckets?.[bound]))
  t.true(counts.length > 10)
  t.deepEqual(counts, counts.toSorted(), 'a bucket counts what is in those below it, too')
  t.is(acks?.buckets?.['+Inf'], '2')
})

test('a closed endpoint returns its last values', async t => {
  await using peers = await pair()
  await peers.stream()
  const sent = value(peers.client, 'fastn_net_sent_bytes_total')
  await peers.client.close()
  t.is(value(peers.client, 'fastn_net_connections', { direction: 'dialled' }), 0)
  t.is(value(peers.client, 'fastn_net_connections_closed_total', { by: 'local', reason: 'shutdown' }), 1)
  t.true(value(peers.client, 'fastn_net_sent_bytes_total') >= sent)
})

function held<T extends readonly AsyncDisposable[]>(both: T) {
  return {
    both,
    async [Symbol.asyncDispose]() {
      await Promise.all(both.map(stream => stream[Symbol.asyncDispose]()))
    }
  }
}
