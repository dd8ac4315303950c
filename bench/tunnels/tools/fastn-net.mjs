// This library: exposeTcp and bridgeTcp, a Node.js process on each side. Build it before: npm run build -- --release.
const program = new URL('../programs/fastn-net.mjs', import.meta.url).pathname

export async function start({ target, port, run }) {
  const far = run(process.execPath, [program, 'expose', target])
  const [, address] = await far.line(/address: (.+)/)
  run(process.execPath, [program, 'bridge', port, address])
}
