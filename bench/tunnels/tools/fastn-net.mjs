// This library: exposeTcp and bridgeTcp, a Node.js process on each side. Build it before: npm run build -- --release.
const program = new URL('../programs/fastn-net.mjs', import.meta.url).pathname

/** A tunnel of a kind: `tcp`, or `http`. */
export const between =
  kind =>
  async ({ target, port, run }) => {
    const far = run(process.execPath, [program, kind, 'expose', target])
    const [, address] = await far.line(/address: (.+)/)
    run(process.execPath, [program, kind, 'bridge', port, address])
  }

export const start = between('tcp')
