// Bytes, reads, time limits and memory for both sides of a measurement.
import { readFileSync } from 'node:fs'

export const BLOCK = 64 * 1024
export const LINE = 128
export const pattern = o => (o ^ (o >> 8)) & 0xff // byte expected at offset o of a block
export const block = Uint8Array.from({ length: BLOCK }, (_, i) => pattern(i))
export const line = new Uint8Array(LINE).fill(0x61)
export const cpuMs = () => {
  const c = process.cpuUsage()
  return (c.user + c.system) / 1000
}
export const sleep = ms => new Promise(r => setTimeout(r, ms))
export const within = (p, ms, what) => {
  let t
  return Promise.race([
    p,
    new Promise((_, j) => {
      t = setTimeout(() => j(new Error(`${what}: no answer in ${ms} ms`)), ms)
    })
  ]).finally(() => clearTimeout(t))
}
export const readAtLeast = async (s, n) => {
  let got = 0
  while (got < n) {
    const c = await s.read()
    if (c === null) break
    got += c.length
  }
  return got
}
export const readToEnd = s => readAtLeast(s, Infinity)
export async function rss() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(100)
  }
  // smaps_rollup counts pages exactly; memoryUsage().rss is batched per CPU and too coarse here.
  try {
    return 1024 * Number(/^Rss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))[1])
  } catch {
    return process.memoryUsage().rss
  }
}
