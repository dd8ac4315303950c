// node:http2 with 1 MiB flow-control windows instead of the default 64 KiB. Only bulk (A) differs.
process.env.BENCH_H2_WINDOW = String(1 << 20)
const { info: base, startServer, connect } = await import('../node-http2/adapter.mjs')
export const info = { ...base, title: 'node:http2, 1 MiB windows' }
export { connect, startServer }
