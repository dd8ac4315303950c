// hyperdht: an encrypted UDP stream per TCP connection, discovered through a private DHT.
export async function start({ target, port, run, freePort }) {
  const dht = await freePort()
  const net = run(
    'node',
    ['--input-type=commonjs', '-e', `require('hyperdht/testnet')(3, { port: ${dht} }).then(() => console.log('up'))`],
    { count: false }
  )
  await net.line(/up/)
  const far = run('hypertele-server', ['-l', target, '--seed', 'ab'.repeat(32), '--bootstrap', dht])
  const [, key] = await far.line(/hypertele: (\w+)/)
  run('hypertele', ['-p', port, '-s', key, '--bootstrap', dht])
}
