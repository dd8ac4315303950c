// The upper bound: the same workloads in Rust, without Node. A native program; see `exe` in bench.mjs and ../../limit.
export const info = {
  title: 'iroh in Rust, 2 workers',
  encrypted: true,
  multiplexed: true,
  modules: [],
  exe: new URL('../../limit/target/release/limit', import.meta.url).pathname,
  env: { KNOBS: 'workers=2' }
}
